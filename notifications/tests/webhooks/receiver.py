"""A receiver of webhooks: a real HTTP server in a thread, which verifies signatures as its author would."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import standardwebhooks
from django.utils import timezone

from accounts.services.staff import users
from foodfleet.core.http.clients import Client
from notifications.models import Message, WebhookEndpoint
from notifications.services.delivery.dispatcher import Dispatcher
from notifications.services.delivery.priority_queue import Limits
from notifications.states import Channel


class Receiver:
    """Records requests. `answer(handler)` may answer otherwise than by 200."""

    def __init__(self, answer=None):
        self.requests, self.answer = [], answer or (lambda handler: handler.send_status(200))
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((dict(self.headers), body))
                outer.answer(self)

            def send_status(self, status, **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks?a=1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def verified(self, *secrets):
        """The payloads so far, each signed by one of these secrets."""
        return [
            standardwebhooks.Webhook(secret).verify(body, headers)
            for headers, body in self.requests
            for secret in secrets
        ]

    def payloads(self):
        return [json.loads(body) for _headers, body in self.requests]


def deliver():
    """Deliver what is due."""
    return Dispatcher(Limits(Channel.WEBHOOK)).run()


def make_due():
    """Let all that waits be due now, also where a failure holds it back."""
    now = timezone.now()
    WebhookEndpoint.objects.update(retry_at=None)
    Message.objects.filter(status="queued").update(due_at=now - timedelta(seconds=1))


def happen(user):
    """Something that endpoints are told of; returns its newest delivery."""
    users.lock(pk=user.pk, actor=None, client=Client())
    return newest()


def newest():
    """The newest delivery."""
    return Message.objects.filter(channel=Channel.WEBHOOK).order_by("created_at").last()
