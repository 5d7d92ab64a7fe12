"""Queue e-mails and dispatch them through a fake gateway."""

import threading
import time
from datetime import timedelta
from uuid import uuid4

from django.db import connections
from django.utils import timezone

from notifications.gateways import slots
from notifications.models import Message
from notifications.services.compose.email import EmailExtras, NewAttachment, send_email
from notifications.services.compose.policies import Policy
from notifications.services.compose.writing import MessageDraft
from notifications.services.delivery import sweep as delivery_sweep
from notifications.services.delivery.attempt import Gateways
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.states import Channel, Priority


class FakeGateway:
    """Record what was sent; call `then(number, content)` while it is being sent."""

    def __init__(self, then=None):
        self.sent, self._then, self._lock = [], then, threading.Lock()

    def send(self, content):
        try:
            slots.acquire()
            with self._lock:
                number = len(self.sent)
                self.sent.append(content)
            if self._then:
                self._then(number, content)
            return f"id-{number}"
        finally:
            connections.close_all()


def mail(name="ann", files=0, user=None, **policy):
    """Queue one."""
    extras = EmailExtras(attachments=[NewAttachment(f"{number}.txt", b"hi") for number in range(files)])
    draft = MessageDraft(policy=Policy(**policy), user=user)
    return send_email(to=[f"{name}@example.com"], subject="x", text="x", extras=extras, draft=draft)


def dispatch(gateway, channel=Channel.EMAIL, **limits):
    """Run one to its end."""
    return Dispatcher(Limits(channel, **limits), gateways=Gateways(gateway, gateway)).run()


def expire_leases():
    """Expire all leases while their dispatchers live, and sweep."""
    Message.objects.filter(status="sending").update(leased_until=timezone.now() - timedelta(seconds=1))
    return delivery_sweep.sweep()


class Recorder:
    """A gateway that records what was sent and raises the given errors first."""

    def __init__(self, *errors, seconds=0.0):
        self.sent, self.errors, self.seconds = [], list(errors), seconds

    def send(self, content):
        time.sleep(self.seconds)
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append(content)
        return f"id-{len(self.sent)}"


def queue(**policy):
    """Queue a mail that greets Ann."""
    send_at = policy.pop("send_at", None)
    to = policy.pop("to", ["ann@example.com"])
    draft = MessageDraft(policy=Policy(**policy), send_at=send_at)
    return send_email(to=to, subject="Hello", text="Hello Ann", draft=draft)


def dispatch_recorded(*errors, channel=Channel.EMAIL, **limits):
    """Run one to its end; the first messages fail with these errors."""
    recorder = Recorder(*errors)
    Dispatcher(Limits(channel, **limits), gateways=Gateways(email=recorder, sms=recorder)).run()
    return recorder


def abandon(message, *, started):
    """As if its sender had been killed a while ago."""
    now = timezone.now()
    [taken] = Message.objects.filter(pk=message.pk).claim_due(
        channel=Channel.EMAIL, lowest=Priority.BULK, claim=uuid4(), now=now, until=now, limit=1
    )
    if started:
        Message.objects.start_sending([taken], taken.claim, now)
    return taken
