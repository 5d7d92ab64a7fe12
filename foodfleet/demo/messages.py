"""A month of messages of the demo company, all in final states: nothing waits to be sent."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from accounts.models import User
from foodfleet.demo.people import MONTH, Company
from notifications.models import Message, MessageEvent, Suppression
from notifications.services.compose.policies import MARKETING, SECURITY, policy_of
from notifications.services.compose.writing import TRIED_FOR, encrypt_content
from notifications.services.operations import statistics
from notifications.states import Channel, EventType, Status, SuppressionReason
from rbac.permissions import DISPATCHER

PER_PERSON = 3  # messages in the month
BATCH = 2000
RETRIABLE = timedelta(days=2)  # for which failed messages keep their content and can be sent again
EMAILS = {
    "new_device": ("New device signed in to your FoodFleet account", 30),
    "password_reset": ("Choose a new password", 9),
    "verify_email": ("Confirm your e-mail address", 7),
    "welcome": ("Welcome to FoodFleet", 6),
    "password_changed": ("Your password was changed", 6),
    "invitation": ("Your FoodFleet account", 5),
    "account_locked": ("Sign-in is temporarily locked", 3),
    "announcement": ("Menu and shifts of next week", 34),
}
TEXTS = {
    "2fa_code": ("Your verification code is: ••••••", 45),
    "shift_reminder": ("Your shift in {{place}} starts at {{time}}. Reply to your dispatcher if you cannot come.", 40),
    "route_change": ("Your truck moves to the market square of {{place}} today at {{time}}.", 15),
}


@dataclass(frozen=True)
class Ending:
    """The end of a message. share: per thousand messages; events: after it was queued, each with its details."""

    status: Status
    share: int
    events: tuple[tuple[EventType, dict[str, Any]], ...] = ()
    error: str = ""
    suppress: SuppressionReason | None = None


SENT: tuple[EventType, dict[str, Any]] = (EventType.SENT, {"attempt": 1})
GONE = "smtp; 550 5.1.1 The e-mail account that you tried to reach does not exist"
FULL = "smtp; 452 4.2.2 The recipient's mailbox is full"
AWAY = "The mail server could not be reached (TimeoutError)."
PAUSED = "Amazon refused the account or the settings: AccountSendingPausedException Sending is paused for this account"
REJECTED = "Amazon refused: MessageRejected Email address is not verified"
UNREACHABLE = "Phone is currently unreachable or unavailable"
BLOCKED = "Phone has blocked SMS"
NUMBER = "Amazon refused: InvalidParameter PhoneNumber is not valid"


def _bounce(kind: str, reason: str, diagnostic: str, share: int) -> Ending:
    details = {"kind": kind, "reason": reason, "diagnostic": diagnostic}
    suppress = SuppressionReason.BOUNCE if kind == "Permanent" else None
    events = (SENT, (EventType.BOUNCED, details))
    return Ending(Status.BOUNCED, share, events, " ".join(details.values()), suppress)


def _failure(error: str, share: int, *, tries: int = 1) -> Ending:
    postponed = tuple((EventType.POSTPONED, {"attempt": one, "error": error}) for one in range(1, tries))
    return Ending(Status.FAILED, share, (*postponed, (EventType.FAILED, {"attempt": tries, "error": error})), error)


_SUPPRESSED = Ending(Status.SUPPRESSED, 16, ((EventType.SUPPRESSED, {}),), "The recipient is suppressed.")
_LATE = (EventType.POSTPONED, {"attempt": 1, "error": AWAY})
ENDINGS = {
    Channel.EMAIL: (
        Ending(Status.DELIVERED, 905, (SENT, (EventType.DELIVERED, {"answer": "250 2.0.0 OK"}))),
        Ending(Status.SENT, 20, (SENT,)),
        Ending(Status.DELIVERED, 12, (_LATE, (EventType.SENT, {"attempt": 2}), (EventType.DELIVERED, {}))),
        _bounce("Permanent", "General", GONE, 14),
        _bounce("Transient", "MailboxFull", FULL, 7),
        Ending(Status.COMPLAINED, 3, (SENT, (EventType.DELIVERED, {}), (EventType.COMPLAINED, {"kind": "abuse"})),
               "abuse", SuppressionReason.COMPLAINT),
        _failure(AWAY, 6, tries=4),
        _failure(REJECTED, 4),
        _failure(PAUSED, 3, tries=3),
        _SUPPRESSED,
        Ending(Status.CANCELLED, 10, ((EventType.CANCELLED, {}),), "Not sent before it expired."),
    ),
    Channel.SMS: (
        Ending(Status.DELIVERED, 930, (SENT, (EventType.DELIVERED, {"price_in_usd": "0.0075"}))),
        Ending(Status.SENT, 12, (SENT,)),
        Ending(Status.BOUNCED, 14, (SENT, (EventType.BOUNCED, {"answer": UNREACHABLE})), UNREACHABLE),
        Ending(Status.BOUNCED, 6, (SENT, (EventType.BOUNCED, {"answer": BLOCKED})), BLOCKED, SuppressionReason.OPT_OUT),
        _failure(NUMBER, 9),
        _failure("Amazon: Throttled Rate exceeded", 5, tries=3),
        _SUPPRESSED,
        Ending(Status.CANCELLED, 8, ((EventType.CANCELLED, {}),), "Not sent before it expired."),
    ),
}  # fmt: skip


@dataclass
class _Written:
    """The rows to save at the end."""

    messages: list[Message] = field(default_factory=list)
    events: list[MessageEvent] = field(default_factory=list)
    suppressed: dict[tuple[str, str], Suppression] = field(default_factory=dict)


def create(company: Company) -> None:
    """Create the messages with their timelines and the suppressions that follow, and count them for the home page."""
    written, random = _Written(), company.random
    reachable = [user for user in company.people if user.email_verified_at or user.invited_at]
    with_phone = [user for user in reachable if user.phone]
    dispatchers = company.staff(DISPATCHER) or [company.people[0]]
    for _number in range(len(company.people) * PER_PERSON):
        is_sms = company.chance(30) and bool(with_phone)
        user = random.choice(with_phone if is_sms else reachable)
        message = (_text if is_sms else _email)(company, user)
        if message.template in {"announcement", "shift_reminder", "route_change"}:
            message.sender = random.choice(dispatchers)
        _end(company, message, written)
    Message.objects.bulk_create(written.messages, batch_size=BATCH)
    MessageEvent.objects.bulk_create(written.events, batch_size=BATCH)
    Suppression.objects.bulk_create([*written.suppressed.values(), *_by_staff(company)], ignore_conflicts=True)
    statistics.count_messages()


def _email(company: Company, user: User) -> Message:
    template = company.random.choices(list(EMAILS), [share for _subject, share in EMAILS.values()])[0]
    policy = MARKETING if template == "announcement" else policy_of(Channel.EMAIL, template)
    return _message(company, user, Channel.EMAIL, template, policy, to=[user.email], subject=EMAILS[template][0])


def _text(company: Company, user: User) -> Message:
    template = company.random.choices(list(TEXTS), [share for _text, share in TEXTS.values()])[0]
    policy = policy_of(Channel.SMS, template) if template == "2fa_code" else SECURITY
    return _message(company, user, Channel.SMS, template, policy, to=[user.phone])


def _message(company: Company, user: User, channel: Channel, template: str, policy: Any, **fields: Any) -> Message:
    at = company.before(MONTH, timedelta(minutes=10))
    return Message(
        id=company.uuid(), channel=channel, template=template, user=user, kind=policy.kind, priority=policy.priority,
        guarantee=policy.guarantee, language=user.language, created_at=at, due_at=at, give_up_at=at + TRIED_FOR,
        expires_at=at + policy.lifetime if policy.lifetime else None, request_id=company.uuid().hex, **fields,
    )  # fmt: skip


def _end(company: Company, message: Message, written: _Written) -> None:
    """Finish the message with one of the endings of its channel, and write its timeline."""
    endings = ENDINGS[Channel(message.channel)]
    ending = company.random.choices(endings, [one.share for one in endings])[0]
    message.status, message.last_error, at = ending.status, ending.error, message.created_at
    for kind, details in ending.events:
        at = min(company.now, at + timedelta(seconds=company.random.randint(1, 90)))
        if kind == EventType.SENT:
            message.sent_at, message.provider_message_id = at, company.uuid().hex
        message.attempts = details.get("attempt", message.attempts)
        written.events.append(MessageEvent(message=message, type=kind, at=at, details=details))
    if message.status == Status.FAILED and message.created_at > company.now - RETRIABLE:
        message.payload = encrypt_content(_content(message))
    if ending.suppress is not None:
        address = message.to[0]
        written.suppressed[message.channel, address] = Suppression(
            channel=message.channel, address=address, reason=ending.suppress, detail=ending.error, created_at=at
        )
    written.messages.append(message)


def _content(message: Message) -> dict[str, Any]:
    """Return content for another attempt: an e-mail or SMS that names its template."""
    text = f"{message.subject or message.template}: a message of the demo company."
    if message.channel == Channel.SMS:
        return {"text": text, "sender_id": "", "type": "Transactional", "max_price": ""}
    empty: dict[str, Callable[[], Any]] = {"reply_to": list, "headers": dict, "files": list, "tags": dict}
    return {
        "subject": message.subject, "text": text, "html": f"<p>{text}</p>", "from_email": "", "configuration_set": "",
        **{name: make() for name, make in empty.items()},
    }  # fmt: skip


def _by_staff(company: Company) -> list[Suppression]:
    """Return suppressions that staff entered."""
    people = company.random.sample(company.people, k=min(6, len(company.people)))
    return [
        Suppression(
            channel=Channel.EMAIL, address=user.email, reason=SuppressionReason.MANUAL,
            created_at=company.before(MONTH), detail="Asked by telephone for no more e-mails",
        )
        for user in people
    ]  # fmt: skip
