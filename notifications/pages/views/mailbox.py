"""The mailbox of a development machine."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from foodfleet.core.frames import shows_a_mail
from notifications.gateways import mailbox


@never_cache
@require_safe
def mailbox_page(request: HttpRequest) -> HttpResponse:
    """Every mail and text that was sent, newest first."""
    return render(request, "dev/mailbox.html", {"messages_list": mailbox.newest_first()})


@never_cache
@require_safe
@shows_a_mail
def mailbox_body(request: HttpRequest, message_id: str) -> HttpResponse:
    """The HTML of one mail, for the sandboxed frame that shows it."""
    message = mailbox.find(message_id)
    if message is None:
        raise Http404
    return HttpResponse(message.html_body)
