"""Imports of users from a CSV file.

A batch of lines is one transaction: accounts, security events and invitations commit together. An interrupted import is
simply run again: it skips the accounts that exist and continues after them. As in `users.create` staff vouch for the
addresses: an imported user may request a link to choose a password, and no registration takes the address.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import BinaryIO

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, reset_queries, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import signals
from accounts.models import User
from accounts.services import audit
from accounts.services.account import deletion
from accounts.services.one_time import tokens as one_time_tokens
from accounts.services.staff import csv_file
from accounts.services.staff.csv_file import Problem, Row
from accounts.states import EventKind, TokenPurpose
from foodfleet.core.http.clients import Client
from rbac.services import users

BATCH = 1000  # lines in one transaction
BATCH_OF_INVITATIONS = 100  # each renders an e-mail in the transaction
TRIES = 5  # of a batch, if the same addresses are registered at the same time


class Mode(Enum):
    """What to do with a valid line."""

    CHECK = "nothing"
    CREATE = "an account is created"
    INVITE = "an account is created and its owner invited by e-mail to choose a password"


@dataclass
class Progress:
    """The progress: bytes read, results of the lines so far, and the problems of the last batch."""

    position: int = 0
    lines: int = 0
    created: int = 0
    present: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)


def import_users(source: BinaryIO, *, mode: Mode, client: Client) -> Iterator[Progress]:
    """Create an account for each line whose address has none; yields the progress after each batch.

    An invalid line is reported in `problems` and does not stop the others. source: a file opened for reading bytes, in
    the format of `csv_file`. Raises ValidationException, before any account is created, for another format.
    """
    rows = csv_file.read(source)
    first_lines: dict[str, int] = {}
    progress = Progress(position=source.tell())
    size = BATCH_OF_INVITATIONS if mode is Mode.INVITE else BATCH
    while batch := list(islice(rows, size)):
        progress.problems = []
        valid = [row for row in batch if _is_valid(row, first_lines, progress)]
        created = _create(valid, mode, client)
        progress.position += sum(row.size for row in batch)
        progress.lines += len(batch)
        progress.created += created
        progress.present += len(valid) - created
        progress.refused = progress.lines - progress.created - progress.present
        reset_queries()  # with DEBUG Django records every query
        yield progress


def _is_valid(row: Row, first_lines: dict[str, int], progress: Progress) -> bool:
    problems = list(row.problems)
    if not problems:
        first = first_lines.setdefault(row.values["email"], row.line)
        if first != row.line:
            message = _("This address is already in line %(line)d.") % {"line": first}
            problems.append(Problem(row.line, "email", message))
    progress.problems += problems
    return not problems


def _create(rows: Sequence[Row], mode: Mode, client: Client) -> int:
    """Create the missing accounts; returns how many (with Mode.CHECK, how many it would create)."""
    for _attempt in range(TRIES - 1):
        try:
            return _create_once(rows, mode, client)
        except IntegrityError:  # one of the addresses was registered meanwhile: query again
            continue
    return _create_once(rows, mode, client)


@transaction.atomic
def _create_once(rows: Sequence[Row], mode: Mode, client: Client) -> int:
    addresses = [row.values["email"] for row in rows]
    existing = set(User.objects.with_emails(addresses).claimed().values_list("email", flat=True))
    missing = [row for row in rows if row.values["email"] not in existing]
    if mode is Mode.CHECK or not missing:
        return len(missing)
    for unclaimed in User.objects.with_emails(addresses).unclaimed():
        deletion.erase(unclaimed, actor=None, client=client)
    now = timezone.now()
    created = User.objects.bulk_create(
        [User(**row.values, password=make_password(None), invited_at=now, created_at=now) for row in missing]
    )
    users.record_new(created)
    audit.record_many(kind=EventKind.USER_CREATED, users=created, client=client, details={"source": "import"})
    if mode is Mode.INVITE:
        _invite(created, client)
    return len(created)


def _invite(users: Sequence[User], client: Client) -> None:
    tokens = one_time_tokens.issue_many(users, TokenPurpose.INVITATION)
    audit.record_many(kind=EventKind.USER_INVITED, users=users, client=client, details={})
    for user, token in zip(users, tokens, strict=True):
        signals.user_invited.send(sender=User, user=user, actor=None, invitation_token=token, client=client)
