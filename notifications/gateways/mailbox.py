"""Messages sent from this machine in DEBUG, as files for the page /dev/mailbox/."""

import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from notifications.states import Channel, Status

MOST_MESSAGES = 200  # older ones are removed
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class MailboxMessage:
    """A sent e-mail or SMS."""

    id: str
    channel: str
    to: list[str]
    subject: str
    text_body: str
    html_body: str
    created_at: datetime
    status: str = Status.SENT.value

    @property
    def channel_label(self) -> str:
        """The channel, for people."""
        return str(Channel(self.channel).label)

    @property
    def status_label(self) -> str:
        """The status, for people."""
        return str(Status(self.status).label)


def _folder() -> Path:
    folder: Path = settings.VAR_DIR / "mailbox"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def save(*, channel: str, to: Sequence[str], subject: str, text: str, html: str = "") -> None:
    """Save one message and remove the oldest beyond MOST_MESSAGES."""
    record = {"channel": channel, "to": list(to), "subject": subject, "text_body": text, "html_body": html}
    name = f"{time.time_ns()}-{uuid.uuid4().hex}"
    draft = _folder() / f"{name}.draft"
    draft.write_text(json.dumps(record), encoding="utf-8")
    draft.rename(_folder() / f"{name}.json")  # atomic: readers never see a part of it
    for path in sorted(_folder().glob("*.json"))[:-MOST_MESSAGES]:
        path.unlink(missing_ok=True)


def newest_first(to: str = "") -> list[MailboxMessage]:
    """Return all messages, or those to one address or number."""
    messages = [_read(path) for path in sorted(_folder().glob("*.json"), reverse=True)]
    return [message for message in messages if not to or to.lower() in map(str.lower, message.to)]


def wait_for(to: str, *, seconds: float) -> list[MailboxMessage]:
    """Return `newest_first` as soon as there is a message, or after `seconds`. Blocks the calling thread."""
    until = time.monotonic() + seconds
    while not (found := newest_first(to)) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    return found


def find(message_id: str) -> MailboxMessage | None:
    """Return the message with this id, or None."""
    return next((message for message in newest_first() if message.id == message_id), None)


def _read(path: Path) -> MailboxMessage:
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    created_at = datetime.fromtimestamp(int(path.stem.split("-")[0]) / 1e9, UTC)
    return MailboxMessage(id=path.stem, created_at=created_at, **record)
