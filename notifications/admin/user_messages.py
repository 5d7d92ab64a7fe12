"""The messages to a user on their page in the admin: failed ones first, with a button that sends them again."""

from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin.user_overview import register
from accounts.models import User
from foodfleet.core.admin.sections import MAX_ROWS, Section
from notifications.admin.timeline import status_tag
from notifications.models import Message

MAX_FAILED = 5  # so that the newest messages are shown too


def messages(request: HttpRequest, user: User) -> Section:
    """Return the failed messages that can be sent again, then the newest, and a link that searches by the address."""
    newest: Any = Message.objects.filter(user=user).defer("payload").order_by("-created_at", "-id")
    failed = list(newest.retriable(timezone.now())[:MAX_FAILED])
    others = newest.exclude(pk__in=[one.pk for one in failed])[: MAX_ROWS - len(failed)]
    reader: Any = request.user
    may_send = bool(failed) and reader.has_perm("notifications:send")
    rows = [_row(request, one, may_retry=may_send) for one in failed]
    rows += [_row(request, one, may_retry=False) for one in others]
    link = reverse("admin:notifications_message_changelist", query={"q": user.email})
    return Section("messages", _("Messages"), [_("When"), _("What"), _("Channel"), _("Status")], rows, link)


def _row(request: HttpRequest, message: Message, *, may_retry: bool) -> list[Any]:
    page = reverse("admin:notifications_message_change", args=[message.pk])
    what = format_html('<a href="{}">{}</a>', page, message.subject or message.template or message.channel)
    tag = status_tag(message.status)
    if may_retry:
        tag = render_to_string("admin/notifications/retry.html", {"message": message, "tag": tag}, request)
    return [message.created_at, what, message.get_channel_display(), tag]


register("notifications:read", messages)
