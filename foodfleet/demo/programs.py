"""Programs of the demo company: service accounts with API keys, webhook endpoints with deliveries, SMS templates."""

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import make_password

from accounts.models import ApiKey, ServiceAccount, User
from foodfleet.core import crypto
from foodfleet.demo.messages import TEXTS
from foodfleet.demo.people import MONTH, Company
from notifications.models import Message, MessageEvent, SmsTemplate, WebhookDelivery, WebhookEndpoint
from notifications.services.compose.writing import encrypt_content
from notifications.services.templates import sms_templates
from notifications.services.webhooks.endpoints import SECRET_PURPOSE
from notifications.states import Channel, DisabledReason, EventType, Status, WebhookEvent
from rbac.permissions import ADMINISTRATOR

SERVICES = (
    ("Point of sale", "Orders of the tills in the trucks"),
    ("Route planner", "Sends the routes of the day to drivers"),
    ("Kitchen screens", "Shows open orders in the kitchens"),
    ("Payroll", "Reads who works where once a night"),
    ("Data warehouse", "Copies events for reports"),
    ("Status page", "Checks that the API answers"),
)
ENDPOINTS = (
    ("https://hooks.payroll.example/people", "Payroll", ["user.created", "user.deleted"], ""),
    ("https://pos.example/foodfleet/events", "Point of sale", ["user.locked", "user.unlocked"], DisabledReason.FAILING),
    ("https://old-routes.example/hook", "The former route planner", ["*"], DisabledReason.GONE),
)
DELIVERIES = 60  # of an endpoint
TRANSLATIONS = {
    "shift_reminder": {
        "de": "Ihre Schicht in {{place}} beginnt um {{time}}.",
        "es": "Su turno en {{place}} empieza a las {{time}}.",
    },
    "route_change": {
        "de": "Ihr Wagen steht heute ab {{time}} in {{place}}.",
        "fr": "Votre camion est à {{place}} à {{time}}.",
    },
}
EXAMPLES = {"place": "Berlin", "time": "07:30"}


def create(company: Company) -> None:
    """Create the programs. Endpoints are disabled: nothing is posted."""
    owner = (company.staff(ADMINISTRATOR) or company.people)[0]
    _add_service_accounts(company, owner)
    _add_endpoints(company, owner)
    for name, translations in TRANSLATIONS.items():
        template = SmsTemplate(name=name, content=TEXTS[name][0], translations=translations, examples=EXAMPLES)
        sms_templates.save(template=template, by=owner)


def _add_service_accounts(company: Company, owner: User) -> None:
    users = User.objects.bulk_create(
        User(
            email=f"service-{company.random.getrandbits(64):016x}@service.invalid", password=make_password(None),
            first_name=name, is_service_account=True, created_at=company.before(MONTH * 12, MONTH),
            is_active=name != "Status page",
        )
        for name, _description in SERVICES
    )  # fmt: skip
    accounts = [
        ServiceAccount(user=user, description=description, owner=owner)
        for user, (_name, description) in zip(users, SERVICES, strict=True)
    ]
    ServiceAccount.objects.bulk_create(accounts)
    ApiKey.objects.bulk_create(_key(company, user, owner, number) for user in users for number in range(1, 3))


def _key(company: Company, user: User, owner: User, number: int) -> ApiKey:
    """Return a key that nobody knows: the first is in use, the second was revoked or has expired."""
    made = company.before(MONTH * 4, MONTH)
    is_old = number > 1
    return ApiKey(
        id=company.uuid(), user=user, name=f"Server {number}", prefix=f"{company.random.getrandbits(48):012x}",
        digest=crypto.digest(crypto.new_token()), permissions=["users:read"], created_at=made, created_by=owner,
        last_used_at=None if is_old else company.before(timedelta(days=2)),
        expires_at=company.now + timedelta(days=company.random.randint(5, 300)),
        revoked_at=company.before(MONTH) if is_old else None,
    )  # fmt: skip


def _add_endpoints(company: Company, owner: User) -> None:
    for url, description, events, reason in ENDPOINTS:
        secret = crypto.encrypt(crypto.new_token(), purpose=SECRET_PURPOSE)
        endpoint = WebhookEndpoint.objects.create(
            url=url, description=description, events=events, owner=owner, secret=secret, is_active=False,
            disabled_reason=reason, failures=12 if reason else 0, created_at=company.before(MONTH * 6, MONTH),
            failing_since=company.before(MONTH / 3) if reason else None,
        )  # fmt: skip
        outcomes = [_delivery(company, is_failing=bool(reason)) for _number in range(DELIVERIES)]
        Message.objects.bulk_create(message for message, _event in outcomes)
        MessageEvent.objects.bulk_create(event for _message, event in outcomes)
        WebhookDelivery.objects.bulk_create(
            WebhookDelivery(message=message, endpoint=endpoint, created_at=message.created_at)
            for message, _event in outcomes
        )


def _delivery(company: Company, *, is_failing: bool) -> tuple[Message, MessageEvent]:
    at = company.before(MONTH)
    event = company.random.choice((WebhookEvent.USER_CREATED, WebhookEvent.USER_LOCKED, WebhookEvent.USER_UPDATED))
    has_failed = company.chance(60 if is_failing else 3)
    body = json.dumps({"type": event.value, "timestamp": at.isoformat(), "data": {"user": {"id": 0}}})
    details: dict[str, Any] = {
        "status_code": 503 if has_failed else 200,
        "duration_ms": company.random.randint(40, 900),
    }
    message = Message(
        id=company.uuid(), channel=Channel.WEBHOOK, template=event.value, created_at=at, due_at=at, give_up_at=at,
        status=Status.FAILED if has_failed else Status.SENT, attempts=9 if has_failed else 1,
        last_error="The receiver answered 503." if has_failed else "", payload=encrypt_content({"body": body}),
        sent_at=None if has_failed else at,
    )  # fmt: skip
    kind = EventType.FAILED if has_failed else EventType.SENT
    return message, MessageEvent(message=message, type=kind, at=at, details=details)
