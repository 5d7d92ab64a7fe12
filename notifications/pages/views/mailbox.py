"""The mailbox for development."""

from dataclasses import asdict

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from foodfleet.core.http.access import PUBLIC, endpoint
from foodfleet.core.http.views import frames_email
from notifications.gateways import mailbox

MAX_WAIT_SECONDS = 10


@never_cache
@endpoint(PUBLIC, "GET")
def mailbox_page(request: HttpRequest) -> HttpResponse:
    """Show the sent e-mails and SMS, newest first, as a page or as JSON (`?format=json` or Accept).

    `?to=` shows only one address or number; `?wait=5` waits up to five seconds for the first message.
    """
    messages = mailbox.wait_for(request.GET.get("to", ""), seconds=_seconds(request.GET.get("wait", "")))
    if _wants_json(request):
        return JsonResponse({"messages": [asdict(message) for message in messages]})
    return render(request, "dev/mailbox.html", {"messages_list": messages})


def _seconds(wait: str) -> float:
    return min(int(wait), MAX_WAIT_SECONDS) if wait.isascii() and wait.isdigit() else 0


def _wants_json(request: HttpRequest) -> bool:
    preferred = request.get_preferred_type(["text/html", "application/json"])
    return request.GET.get("format") == "json" or preferred == "application/json"


@never_cache
@endpoint(PUBLIC, "GET")
@frames_email
def mailbox_body(request: HttpRequest, message_id: str) -> HttpResponse:
    """Return the HTML of one e-mail, for a sandboxed frame."""
    message = mailbox.find(message_id)
    if message is None:
        raise Http404
    return HttpResponse(message.html_body)
