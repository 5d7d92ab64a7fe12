"""The claims of access tokens beyond the usual ones: TOKEN_CLAIMS, receivers' own, and how the user authenticated.

`auth_time`, `amr` and `acr` follow RFC 9068 2.2.1 and RFC 8176, so that another service can ask for a step-up: the
person re-authenticates here, refreshes, and comes back with a newer token.
"""

import json
import sys
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import structlog
from django.conf import settings

from accounts import signals
from accounts.models import Session, User
from accounts.services.account import attribute_schema
from accounts.states import AuthenticationMethod
from rbac.services import assignments

logger = structlog.get_logger(__name__)

MOST_BYTES = 1500  # of all extra claims as JSON: a token is sent with each request, and 4,096 characters are read
RESERVED = frozenset({
    "acr", "act", "amr", "aud", "auth_time", "client_id", "cnf", "email", "exp", "iat", "iss", "jti", "may_act", "nbf",
    "nonce", "scope", "sid", "sub", "type",
})  # fmt: skip
ATTRIBUTE = "attributes."
ONE_FACTOR, SEVERAL_FACTORS = "aal1", "aal2"  # of `acr`, in the words of NIST SP 800-63B


def _roles(user: User) -> list[str]:
    """Names of the roles held everywhere: a role in a scope must not look like one without."""
    return sorted(one.role.name for one in assignments.current_of(user).in_scope(""))


def _roles_by_scope(user: User) -> dict[str, list[str]]:
    """Names of the roles by scope; '' is everywhere."""
    found: dict[str, list[str]] = {}
    for one in assignments.current_of(user).order_by("scope", "role__name"):
        found.setdefault(one.scope, []).append(one.role.name)
    return found


SOURCES: dict[str, Callable[[User], Any]] = {
    **{name: attrgetter(name) for name in ("first_name", "last_name", "phone", "language")},
    "full_name": User.get_full_name,
    "email_verified": lambda user: user.is_email_verified,
    "phone_verified": lambda user: user.phone_verified_at is not None,
    "is_staff": lambda user: user.is_staff,
    "is_superuser": lambda user: user.is_superuser,
    "roles": _roles,
    "roles_by_scope": _roles_by_scope,
}


def ensure_claims_fit() -> None:
    """Exit with one line where TOKEN_CLAIMS names a reserved claim or an unknown source."""
    for claim, source in settings.TOKEN_CLAIMS.items():
        if claim in RESERVED:
            sys.exit(f"FoodFleet cannot start. TOKEN_CLAIMS has a wrong value: {claim} is a reserved claim.")
        known = isinstance(source, str) and (source in SOURCES or _attribute(source) is not None)
        if not claim or not known:
            choices = ", ".join([*SOURCES, "attributes.<name>"])
            sys.exit(f"FoodFleet cannot start. TOKEN_CLAIMS has a wrong value: {claim} must be one of {choices}.")


def of_session(session: Session, user: User) -> dict[str, Any]:
    """The claims to add to an access token."""
    methods = session.amr.split()
    authenticated = session.reauthenticated_at or session.created_at
    claims = {
        "auth_time": int(authenticated.timestamp()),
        "acr": SEVERAL_FACTORS if AuthenticationMethod.SEVERAL in methods else ONE_FACTOR,
    }
    if methods:
        claims["amr"] = methods
    return {**_extra(session, user), **claims}


def _extra(session: Session, user: User) -> dict[str, Any]:
    """TOKEN_CLAIMS and what receivers add; nothing of it where it is too large for a token."""
    extra = {claim: _value(user, source) for claim, source in settings.TOKEN_CLAIMS.items()}
    for _receiver, answer in signals.token_claims_requested.send(sender=User, user=user, session=session):
        extra.update(_allowed(answer))
    present = {claim: value for claim, value in extra.items() if value not in (None, "")}
    if present and len(json.dumps(present).encode()) > MOST_BYTES:
        logger.error("token_claims_too_large", user_id=user.pk, claims=sorted(present), limit=MOST_BYTES)
        return {}
    return present


def _allowed(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, Mapping):
        return {}
    if reserved := RESERVED & answer.keys():
        raise ValueError(f"reserved claims: {', '.join(sorted(reserved))}")
    return dict(answer)


def _value(user: User, source: str) -> Any:
    attribute = _attribute(source)
    return user.attributes.get(attribute) if attribute is not None else SOURCES[source](user)


def _attribute(source: str) -> str | None:
    name = source.removeprefix(ATTRIBUTE)
    return name if name != source and name in attribute_schema.current().attributes else None
