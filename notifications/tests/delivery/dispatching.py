"""Queue e-mails and dispatch them through a fake gateway."""

import threading
from datetime import timedelta

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
from notifications.states import Channel


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
