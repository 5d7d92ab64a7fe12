"""Create, change and delete webhook endpoints; their URLs and secrets."""

import base64
import ipaddress
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from django.db import transaction
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.states import EventKind
from foodfleet.core import crypto
from foodfleet.core.email_addresses import mailed_domain
from foodfleet.core.exceptions import ConflictException, ValidationException
from foodfleet.core.http.clients import Client
from foodfleet.modules.events import event_recorded
from notifications.exceptions import WebhookNotFoundException
from notifications.gateways.webhooks import addresses
from notifications.gateways.webhooks.posting import SECRET_PREFIX
from notifications.models import WebhookEndpoint
from notifications.models.webhooks import HEALTHY
from notifications.services.webhooks import subscriptions
from notifications.states import EVERY_EVENT
from rbac.services import actors

NO_CLIENT = Client()
SECRET_BYTES = 32  # Standard Webhooks: 24 to 64
SECRET_PURPOSE = "webhook-secret"
OVERLAP = timedelta(hours=24)  # during which the former secret also signs
MOST_ENDPOINTS = 100  # each event is a row for each of them
HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.ASCII)


@dataclass(frozen=True)
class NewEndpoint:
    """The values of a new endpoint."""

    url: str
    events: Sequence[str]
    description: str = ""
    is_active: bool = True


@dataclass(frozen=True)
class EndpointChanges:
    """New values; None keeps a field."""

    url: str | None = None
    events: Sequence[str] | None = None
    description: str | None = None
    is_active: bool | None = None


@dataclass(frozen=True)
class WithSecret:
    """An endpoint with its new secret, which is shown once."""

    endpoint: WebhookEndpoint
    secret: str


def find(pk: int) -> WebhookEndpoint:
    """Return the endpoint with this id. Raises WebhookNotFoundException."""
    found = WebhookEndpoint.objects.filter(pk=pk).first()
    if found is None:
        raise WebhookNotFoundException
    return found


def create(*, new: NewEndpoint, by: User | None, client: Client = NO_CLIENT) -> WithSecret:
    """Create an endpoint, owned by `by`.

    Raises ValidationException for a URL that is not allowed, ConflictException if there are MOST_ENDPOINTS, and as
    `actors.lock_actor`.
    """
    url, secret = checked_url(new.url), _new_secret()
    with transaction.atomic():
        actors.lock_actor(by, "webhooks:create")
        if WebhookEndpoint.objects.count() >= MOST_ENDPOINTS:
            raise ConflictException(_("There are too many webhook endpoints."))
        endpoint = WebhookEndpoint.objects.create(
            url=url,
            events=_distinct(new.events),
            description=new.description,
            is_active=new.is_active,
            owner=by,
            secret=crypto.encrypt(secret, purpose=SECRET_PURPOSE),
        )
        subscriptions.invalidate()
        record(endpoint, "created", by, client)
    return WithSecret(endpoint, secret)


def change(*, pk: int, changes: EndpointChanges, by: User | None, client: Client = NO_CLIENT) -> WebhookEndpoint:
    """Change an endpoint. Activation resets its failures.

    Raises WebhookNotFoundException, ValidationException for a URL that is not allowed, and as `actors.lock_actor`.
    """
    given = {one.name: value for one in fields(changes) if (value := getattr(changes, one.name)) is not None}
    if "url" in given:
        given["url"] = checked_url(given["url"])
    if "events" in given:
        given["events"] = _distinct(given["events"])
    if given.get("is_active"):
        given |= {**HEALTHY, "disabled_reason": ""}
    with transaction.atomic():
        actors.lock_actor(by, "webhooks:update")
        endpoint = _lock(pk)
        _save(endpoint, given)
        subscriptions.invalidate()
        record(endpoint, "updated", by, client, fields=sorted(one.name for one in fields(changes) if one.name in given))
    return endpoint


def rotate_secret(*, pk: int, by: User | None, client: Client = NO_CLIENT) -> WithSecret:
    """Replace the secret of an endpoint. The former one also signs during OVERLAP.

    Raises WebhookNotFoundException, and as `actors.lock_actor`.
    """
    secret = _new_secret()
    with transaction.atomic():
        actors.lock_actor(by, "webhooks:update")
        endpoint = _lock(pk)
        rotated = {
            "previous_secret": endpoint.secret,
            "previous_secret_until": timezone.now() + OVERLAP,
            "secret": crypto.encrypt(secret, purpose=SECRET_PURPOSE),
        }
        _save(endpoint, rotated)
        record(endpoint, "secret_replaced", by, client)
    return WithSecret(endpoint, secret)


def delete(*, pk: int, by: User | None, client: Client = NO_CLIENT) -> None:
    """Delete an endpoint. Its queued deliveries are cancelled when they are due.

    Raises WebhookNotFoundException, and as `actors.lock_actor`.
    """
    with transaction.atomic():
        actors.lock_actor(by, "webhooks:delete")
        endpoint = _lock(pk)
        record(endpoint, "deleted", by, client)
        endpoint.delete()
        subscriptions.invalidate()


def secrets_of(endpoint: WebhookEndpoint, now: datetime) -> list[str]:
    """Return the secrets that sign at this time, the newest first. Raises crypto.DecryptionError."""
    ciphertexts = [endpoint.secret]
    if endpoint.previous_secret_until is not None and now < endpoint.previous_secret_until:
        ciphertexts.append(endpoint.previous_secret)
    return [crypto.decrypt(ciphertext, purpose=SECRET_PURPOSE) for ciphertext in ciphertexts]


def checked_url(text: str) -> str:
    """Return the URL in ASCII. A host that DNS does not know yet is accepted: each delivery resolves it again.

    Raises ValidationException for a URL that is not http(s), has credentials or points to a private network.
    """
    parts = _split(text)
    host, is_secure = _host(parts), parts.scheme == "https"
    try:
        addresses.resolve(host, parts.port or (443 if is_secure else 80))
    except addresses.UnresolvableError:
        pass
    except addresses.PrivateAddressError:
        raise _url_error(_("This address is in a private network."), "private_address") from None
    shown = f"[{host}]" if ":" in host else host
    netloc = f"{shown}:{parts.port}" if parts.port else shown
    return iri_to_uri(urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")))


def _split(text: str) -> SplitResult:
    """Split a URL. Raises ValidationException for a URL that is not valid for webhooks."""
    try:
        if not text.isprintable() or any(character in " \\" for character in text):
            raise ValueError
        parts = urlsplit(text)
        if parts.scheme not in {"http", "https"} or not _host(parts) or parts.port == 0:
            raise ValueError
    except ValueError:  # or UnicodeError, for a host that IDNA does not allow
        raise _url_error(_("Enter an http or https URL."), "invalid") from None
    if "@" in parts.netloc:
        raise _url_error(_("A URL with a user name or password is not allowed."), "credentials")
    return parts


def _host(parts: SplitResult) -> str:
    """Return the host in ASCII, an IPv6 address without brackets. Raises ValueError."""
    host = parts.hostname or ""
    if ":" in host:
        return str(ipaddress.IPv6Address(host.partition("%")[0]))
    host = mailed_domain(host)
    if not HOST.fullmatch(host):
        raise ValueError(host)
    return host


def _url_error(message: Any, code: str) -> ValidationException:
    return ValidationException.for_field("url", message, code)


def _distinct(events: Sequence[str]) -> list[str]:
    return [EVERY_EVENT] if EVERY_EVENT in events else sorted(set(events))


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _lock(pk: int) -> WebhookEndpoint:
    found = WebhookEndpoint.objects.select_for_update().filter(pk=pk).first()
    if found is None:
        raise WebhookNotFoundException
    return found


def _save(endpoint: WebhookEndpoint, values: dict[str, Any]) -> None:
    for name, value in values.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=[*values, "updated_at"])


def record(endpoint: WebhookEndpoint, change: str, by: User | None, client: Client, **details: Any) -> None:
    """Record a change of an endpoint as a security event, without path and query, which may contain a secret."""
    facts = {"endpoint": endpoint.pk, "host": urlsplit(endpoint.url).hostname or "", "change": change, **details}
    kind = EventKind.WEBHOOK_CHANGED
    event_recorded.send(sender=WebhookEndpoint, kind=kind, actor=by, client=client, user=None, details=facts)
