"""Many accounts at once, from a CSV file.

A batch of lines is one transaction: what it makes, what is recorded of it and the invitations that it causes commit
together or not at all. An import that was killed is therefore simply run again: it finds what it made as already there
and goes on behind it. Staff vouch for the addresses that they bring, as `users.create` has it: whoever was imported may
ask for a link to choose a password, and nobody's registration takes the address.
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
BATCH_OF_INVITATIONS = 100  # each of them renders a mail in there
TRIES = 5  # of a batch, when others make accounts of the same addresses meanwhile


class Mode(Enum):
    """What is done with a line that is right."""

    CHECK = "nothing"
    CREATE = "an account is made"
    INVITE = "an account is made, and its owner invited by mail to choose a password"


@dataclass
class Progress:
    """How far it went: bytes read, what became of the lines so far, and the problems of the last batch."""

    position: int = 0
    lines: int = 0
    created: int = 0
    present: int = 0
    refused: int = 0
    problems: list[Problem] = field(default_factory=list)


def import_users(source: BinaryIO, *, mode: Mode, client: Client) -> Iterator[Progress]:
    """Make an account of each line of `source` whose address has none; answers after each batch how far it went.

    A line that is wrong is told of in `problems` and keeps no other line back. source: a file opened for reading bytes,
    laid out as `user_csv` says. Raises ValidationException, before anything is made, for a file that is not.
    """
    rows = csv_file.read(source)
    first_lines: dict[str, int] = {}
    progress = Progress(position=source.tell())
    size = BATCH_OF_INVITATIONS if mode is Mode.INVITE else BATCH
    while batch := list(islice(rows, size)):
        progress.problems = []
        good = [row for row in batch if _is_good(row, first_lines, progress)]
        created = _make(good, mode, client)
        progress.position += sum(row.size for row in batch)
        progress.lines += len(batch)
        progress.created += created
        progress.present += len(good) - created
        progress.refused = progress.lines - progress.created - progress.present
        reset_queries()  # under DEBUG Django would keep the text of every INSERT
        yield progress


def _is_good(row: Row, first_lines: dict[str, int], progress: Progress) -> bool:
    problems = list(row.problems)
    if not problems:
        first = first_lines.setdefault(row.values["email"], row.line)
        if first != row.line:
            message = _("This address stands in line %(line)d already.") % {"line": first}
            problems.append(Problem(row.line, "email", message))
    progress.problems += problems
    return not problems


def _make(rows: Sequence[Row], mode: Mode, client: Client) -> int:
    """Make the accounts that are missing; returns how many were (would be, if nothing is to be made)."""
    for _attempt in range(TRIES - 1):
        try:
            return _make_once(rows, mode, client)
        except IntegrityError:  # somebody made one of them since we looked: look again
            continue
    return _make_once(rows, mode, client)


@transaction.atomic
def _make_once(rows: Sequence[Row], mode: Mode, client: Client) -> int:
    addresses = [row.values["email"] for row in rows]
    there = set(User.objects.with_emails(addresses).claimed().values_list("email", flat=True))
    missing = [row for row in rows if row.values["email"] not in there]
    if mode is Mode.CHECK or not missing:
        return len(missing)
    for squatter in User.objects.with_emails(addresses).unclaimed():
        deletion.erase(squatter, actor=None, client=client)
    now = timezone.now()
    made = User.objects.bulk_create(
        [User(**row.values, password=make_password(None), invited_at=now, created_at=now) for row in missing]
    )
    users.record_new(made)
    audit.record_many(kind=EventKind.USER_CREATED, users=made, client=client, details={"source": "import"})
    if mode is Mode.INVITE:
        _invite(made, client)
    return len(made)


def _invite(users: Sequence[User], client: Client) -> None:
    tokens = one_time_tokens.issue_many(users, TokenPurpose.INVITATION)
    audit.record_many(kind=EventKind.USER_INVITED, users=users, client=client, details={})
    for user, token in zip(users, tokens, strict=True):
        signals.user_invited.send(sender=User, user=user, actor=None, invitation_token=token, client=client)
