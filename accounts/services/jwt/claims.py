"""Additional claims of access tokens: TOKEN_CLAIMS, those of signal receivers, and how the user authenticated.

`auth_time`, `amr` and `acr` follow RFC 9068 2.2.1 and RFC 8176, so that another service can require a step-up: the user
re-authenticates here, refreshes, and sends the newer token.
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

MAX_BYTES = 1500  # of TOKEN_CLAIMS and receivers' claims as JSON; a whole token may have 4,096 characters
RESERVED = frozenset({
    "acr", "act", "amr", "aud", "auth_time", "client_id", "cnf", "email", "exp", "iat", "iss", "jti", "may_act", "nbf",
    "nonce", "scope", "sid", "sub", "type",
})  # fmt: skip
ATTRIBUTE = "attributes."
ONE_FACTOR, MULTIPLE_FACTORS = "aal1", "aal2"  # values of `acr`: authenticator assurance levels of NIST SP 800-63B


def _roles(user: User) -> list[str]:
    """Return the names of the roles held without a scope: a role in a scope must not look like one that has none."""
    return sorted(one.role.name for one in assignments.current_of(user).in_scope(""))


def _roles_by_scope(user: User) -> dict[str, list[str]]:
    """Return the names of the roles by scope; '' is for roles without a scope."""
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


def ensure_valid() -> None:
    """Exit with a one-line error if TOKEN_CLAIMS names a reserved claim or an unknown source."""
    for claim, source in settings.TOKEN_CLAIMS.items():
        if claim in RESERVED:
            others = f"a name other than {', '.join(sorted(RESERVED))}"
            sys.exit(f"FoodFleet cannot start. TOKEN_CLAIMS has a wrong value: {claim} must be {others}.")
        known = isinstance(source, str) and (source in SOURCES or _attribute(source) is not None)
        if not claim or not known:
            choices = ", ".join([*SOURCES, "attributes.<name>"])
            sys.exit(f"FoodFleet cannot start. TOKEN_CLAIMS has a wrong value: {claim} must be one of {choices}.")


def of_session(session: Session, user: User) -> dict[str, Any]:
    """Return the claims to add to an access token of the session."""
    methods = session.amr.split()
    authenticated = session.reauthenticated_at or session.created_at
    claims = {
        "auth_time": int(authenticated.timestamp()),
        "acr": MULTIPLE_FACTORS if AuthenticationMethod.MULTIPLE in methods else ONE_FACTOR,
    }
    if methods:
        claims["amr"] = methods
    return {**_extra(session, user), **claims}


def _extra(session: Session, user: User) -> dict[str, Any]:
    """Return TOKEN_CLAIMS and the claims of receivers; none of them if together they are too large for a token."""
    extra = {claim: _value(user, source) for claim, source in settings.TOKEN_CLAIMS.items()}
    for _receiver, answer in signals.token_claims_requested.send(sender=User, user=user, session=session):
        extra.update(_allowed(answer))
    present = {claim: value for claim, value in extra.items() if value not in (None, "")}
    if present and len(json.dumps(present).encode()) > MAX_BYTES:
        logger.error("token_claims_too_large", user_id=user.pk, claims=sorted(present), limit=MAX_BYTES)
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
