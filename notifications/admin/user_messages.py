"""The newest messages to a user, on their page in the admin."""

from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from accounts.admin.user_overview import register
from accounts.models import User
from foodfleet.core.admin.sections import MAX_ROWS, Section
from notifications.models import Message


def messages(request: HttpRequest, user: User) -> Section:
    """Return the newest messages, each with a link to its page, and a link that searches by the address."""
    newest = Message.objects.filter(user=user).defer("payload").order_by("-created_at", "-id")[:MAX_ROWS]
    rows = [[one.created_at, _linked(one), one.get_channel_display(), one.get_status_display()] for one in newest]
    link = reverse("admin:notifications_message_changelist", query={"q": user.email})
    return Section("messages", _("Messages"), [_("When"), _("What"), _("Channel"), _("Status")], rows, link)


def _linked(message: Message) -> str:
    page = reverse("admin:notifications_message_change", args=[message.pk])
    return format_html('<a href="{}">{}</a>', page, message.subject or message.template or message.channel)


register("notifications:read", messages)
