"""Imports of users from a CSV file or the JSON of a Keycloak realm.

A batch of lines is one transaction: accounts, roles, authenticator apps, security events and invitations commit
together. An interrupted import can be run again: it skips the accounts that exist. As with `users.create`, staff vouch
for the addresses: an imported user may request a link to choose a password, and nobody else can register the address.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from itertools import islice
from typing import Any, BinaryIO

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, reset_queries, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import signals
from accounts.models import TOTPDevice, User
from accounts.services import audit
from accounts.services.account import attribute_schema, deletion
from accounts.services.one_time import tokens as one_time_tokens
from accounts.services.staff import csv_file, keycloak
from accounts.services.staff.import_columns import Problem, RoleName, Row
from accounts.states import Audience, EventKind, TokenPurpose
from foodfleet.core.exceptions import ValidationException
from foodfleet.core.http.clients import Client
from rbac.exceptions import SuperusersOnlyException
from rbac.models import Role
from rbac.services import actors, assignments, decisions, graph, scopes, users
from rbac.services.assignments import NewAssignment

BATCH = 1000  # lines in one transaction
INVITATION_BATCH = 100  # fewer, because each invitation renders an e-mail in the transaction
TRIES = 5  # of a batch, if the same addresses are registered at the same time
START_OF_JSON = b"{"
# Lines of a file that is imported in a request, which takes about five seconds. The command has no limit.
MAX_LINES, MAX_INVITED = 5_000, 1_000
MAX_PROBLEMS = 1_000  # in the response
CREDENTIALS = ("password_hash", "totp_secret", "email_verified", "phone_verified")  # only superusers may import these
FIELDS = frozenset({"email", "first_name", "last_name", "phone", "language", "attributes"})  # columns copied unchanged


class Mode(Enum):
    """What to do with a valid line."""

    CHECK = "check"  # nothing else
    CREATE = "create"  # an account
    INVITE = "invite"  # create an account; if it has no password, invite its owner by e-mail to choose one


@dataclass(frozen=True)
class _Options:
    """The options of an import."""

    mode: Mode
    client: Client
    actor: User | None = None


@dataclass
class Progress:
    """The progress: bytes read, results of the lines so far, and the problems of the last batch."""

    position: int = 0
    lines: int = 0
    created: int = 0
    present: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class Report:
    """The result of an import: how many lines had which outcome, and the first MAX_PROBLEMS problems."""

    lines: int
    created: int
    present: int
    refused: int
    problems: Sequence[Problem]


def import_file(*, source: BinaryIO, mode: Mode, client: Client, actor: User | None) -> Report:
    """Import a file of at most MAX_LINES lines (MAX_INVITED with invitations), in a request.

    The whole file is checked before the first account is created. Raises the exceptions of `import_users`, and
    ValidationException for a longer file.
    """
    limit = MAX_INVITED if mode is Mode.INVITE else MAX_LINES
    report = _run(import_users(source, mode=Mode.CHECK, client=client, actor=actor), limit)
    if mode is Mode.CHECK:
        return report
    source.seek(0)
    return _run(import_users(source, mode=mode, client=client, actor=actor), limit)


def _run(steps: Iterator[Progress], limit: int) -> Report:
    problems: list[Problem] = []
    progress = Progress()
    for progress in steps:
        problems += progress.problems[: MAX_PROBLEMS - len(problems)]
        if progress.lines > limit:
            message = _("A file may have %(most)s lines. Split it, or use the command import_users.")
            raise ValidationException.for_field("file", message % {"most": limit}, "too_many_lines")
    return Report(progress.lines, progress.created, progress.present, progress.refused, problems)


def import_users(source: BinaryIO, *, mode: Mode, client: Client, actor: User | None = None) -> Iterator[Progress]:
    """Create an account for each line whose address has none; yield the progress after each batch.

    An invalid line is reported in `problems` and does not stop the import. source: a file opened for reading bytes, in
    the format of `csv_file` or `keycloak`. actor: whose permissions are required; None for the system itself. Raises
    ValidationException for another format, before any account is created; SuperusersOnlyException or
    InsufficientPermissionsException for a batch that the actor may not import.
    """
    options = _Options(mode, client, actor)
    rows = keycloak.read(source) if _is_json(source) else csv_file.read(source)
    first_lines: dict[str, int] = {}
    progress = Progress(position=source.tell())
    size = INVITATION_BATCH if mode is Mode.INVITE else BATCH
    while batch := list(islice(rows, size)):
        progress.problems = []
        roles, unknown_scopes = _roles_of(batch), scopes.unknown(_named(batch, "scopes"))
        valid = [row for row in batch if _is_valid(row, first_lines, roles, unknown_scopes, progress)]
        created = _create(valid, roles, options)
        progress.position += sum(row.size for row in batch)
        progress.lines += len(batch)
        progress.created += created
        progress.present += len(valid) - created
        progress.refused = progress.lines - progress.created - progress.present
        reset_queries()  # with DEBUG, Django keeps every query in memory
        yield progress


def _is_json(source: BinaryIO) -> bool:
    start = source.read(1024).removeprefix(csv_file.BYTE_ORDER_MARK).lstrip()[:1]
    source.seek(0)
    return start == START_OF_JSON


def _roles_of(rows: Sequence[Row]) -> dict[str, Role]:
    """Return the existing roles that these lines name, by name."""
    names = {role.name for role in _named(rows, "roles")}
    return {role.name: role for role in Role.objects.live().filter(name__in=names)} if names else {}


def _named(rows: Sequence[Row], column: str) -> set[Any]:
    """Return all values of these lines in a column with several values."""
    return {name for row in rows for name in row.values.get(column, ())}


def _is_valid(
    row: Row, first_lines: dict[str, int], roles: Mapping[str, Role], unknown_scopes: set[str], progress: Progress
) -> bool:
    problems = list(row.problems)
    if any(role.name not in roles for role in row.values.get("roles", ())):
        problems.append(Problem(row.line, "roles", _("One of these roles does not exist. Create it first.")))
    if not all(assignments.is_scope(role.scope) for role in row.values.get("roles", ())):
        problems.append(Problem(row.line, "roles", _("Give a kind and an id, such as fleet:12.")))
    if not unknown_scopes.isdisjoint(row.values.get("scopes", ())):
        problems.append(Problem(row.line, "scopes", _("One of these scopes does not exist. Create it first.")))
    if not problems:
        first = first_lines.setdefault(row.values["email"], row.line)
        if first != row.line:
            message = _("This address is already in line %(line)d.") % {"line": first}
            problems.append(Problem(row.line, "email", message))
    progress.problems += problems
    return not problems


def _create(rows: Sequence[Row], roles: Mapping[str, Role], options: _Options) -> int:
    """Create the missing accounts and return how many; with Mode.CHECK, only return how many are missing."""
    for _attempt in range(TRIES - 1):
        try:
            return _create_once(rows, roles, options)
        except IntegrityError:  # somebody registered one of the addresses meanwhile: try again
            continue
    return _create_once(rows, roles, options)


@transaction.atomic
def _create_once(rows: Sequence[Row], roles: Mapping[str, Role], options: _Options) -> int:
    _ensure_may_import(rows, roles, options.actor)
    addresses = [row.values["email"] for row in rows]
    existing = set(User.objects.with_emails(addresses).claimed().values_list("email", flat=True))
    missing = [row for row in rows if row.values["email"] not in existing]
    if options.mode is Mode.CHECK or not missing:
        return len(missing)
    for unclaimed in User.objects.with_emails(addresses).unclaimed():
        deletion.erase(unclaimed, actor=options.actor, client=options.client)
    now = timezone.now()
    created = User.objects.bulk_create([_account(row.values, now) for row in missing])
    users.record_new(created)
    audit.record_many(
        kind=EventKind.USER_CREATED,
        users=created,
        client=options.client,
        details={"source": "import"},
        actor=options.actor,
    )
    _add_apps(created, missing, now)
    _assign_roles(created, missing, roles, options)
    _add_to_scopes(created, missing, options)
    if options.mode is Mode.INVITE:
        _invite([user for user in created if user.is_active and not user.has_usable_password()], options)
    return len(created)


def _ensure_may_import(rows: Sequence[Row], roles: Mapping[str, Role], actor: User | None) -> None:
    """Raise an exception unless `actor` may import these lines.

    Only superusers may import CREDENTIALS, with which they could sign in, and attributes that staff cannot change.
    Roles need the same permissions as in `assignments.grant`.
    """
    named_roles = _named(rows, "roles")
    if named_roles:
        graph.lock_and_load()  # before the row of the actor, as `assignments.grant` does, to avoid a deadlock
    if actor is None:
        return
    current = actors.lock_actor(actor, "users:create", *(["scopes:update"] if _named(rows, "scopes") else []))
    if not decisions.holds_everything(current) and any(map(_is_for_superusers, rows)):
        raise SuperusersOnlyException
    assignments.ensure_may_assign(current, [(roles[role.name], role.scope) for role in named_roles])


def _is_for_superusers(row: Row) -> bool:
    editable = {one.name for one in attribute_schema.current().editable_by(Audience.STAFF)}
    return any(row.values.get(name) for name in CREDENTIALS) or not editable.issuperset(
        row.values.get("attributes", ())
    )


def _account(values: Mapping[str, Any], now: datetime) -> User:
    is_verified, has_phone = values.get("email_verified"), values.get("phone_verified") and values.get("phone")
    return User(
        **{name: values[name] for name in FIELDS & values.keys()},
        password=values.get("password_hash") or make_password(None),
        must_change_password=bool(values.get("must_change_password")),
        email_verified_at=now if is_verified else None,
        phone_verified_at=now if has_phone else None,
        is_active=values.get("is_active") is not False,
        invited_at=now,
        created_at=values.get("created_at") or now,
    )


def _add_apps(created: Sequence[User], rows: Sequence[Row], now: datetime) -> None:
    """Add the authenticator apps as confirmed devices, because their users have used them before."""
    secrets = [(user, row.values.get("totp_secret")) for user, row in zip(created, rows, strict=True)]
    devices = [
        TOTPDevice(user=user, secret=TOTPDevice.encrypt_secret(secret), created_at=now, confirmed_at=now)
        for user, secret in secrets
        if secret
    ]
    if devices:
        TOTPDevice.objects.bulk_create(devices)


def _assign_roles(created: Sequence[User], rows: Sequence[Row], roles: Mapping[str, Role], options: _Options) -> None:
    named: list[tuple[User, RoleName]] = [
        (user, role) for user, row in zip(created, rows, strict=True) for role in row.values.get("roles", ())
    ]
    new = [NewAssignment(user, roles[role.name], role.scope) for user, role in named]
    if new:
        assignments.grant_to_new_users(actor=options.actor, new=new, client=options.client)


def _add_to_scopes(created: Sequence[User], rows: Sequence[Row], options: _Options) -> None:
    members = [(user, one) for user, row in zip(created, rows, strict=True) for one in row.values.get("scopes", ())]
    if members:
        scopes.add_new_users(actor=options.actor, new=members, client=options.client)


def _invite(users: Sequence[User], options: _Options) -> None:
    actor, client = options.actor, options.client
    tokens = one_time_tokens.issue_many(users, TokenPurpose.INVITATION)
    audit.record_many(kind=EventKind.USER_INVITED, users=users, client=client, details={}, actor=actor)
    for user, token in zip(users, tokens, strict=True):
        signals.user_invited.send(sender=User, user=user, actor=actor, invitation_token=token, client=client)
