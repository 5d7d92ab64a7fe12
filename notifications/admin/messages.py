"""What was sent, and what became of it. Nothing is edited here, and no code or link is shown."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from foodfleet.core.admin_lists import CappedPaginator
from notifications.admin.read_only import ReadOnly, ReadOnlyInline
from notifications.models import Message, MessageEvent, SmsTemplate
from notifications.services import batches, cancelling, catalogue, dead_letters
from notifications.states import Channel
from rbac.services import decisions


class TimelineInline(ReadOnlyInline):
    """What happened to a message, line by line."""

    model = MessageEvent
    verbose_name_plural = _("timeline")
    fields = readonly_fields = ("at", "type", "details_shown")

    @admin.display(description=_("details"))
    def details_shown(self, event: MessageEvent) -> str:
        """Names with their values."""
        return "; ".join(f"{name}: {value}" for name, value in event.details.items())


class RetriableFilter(admin.SimpleListFilter):
    """Failed, with content that is still there and of use."""

    title = _("can be sent again")
    parameter_name = "retriable"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.retriable(timezone.now()) if self.value() == "yes" else queryset


class TemplateFilter(admin.SimpleListFilter):
    """By template: the names that the product and staff know, without a look at all messages."""

    title = _("template")
    parameter_name = "template"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = {mail.name for channel in Channel for mail in catalogue.of(channel)}
        names.update(SmsTemplate.objects.values_list("name", flat=True))
        return [(name, name) for name in sorted(names)]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(template=self.value()) if self.value() else queryset


@admin.register(Message)
class MessageAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """A searchable list, a timeline, and another try for what failed."""

    list_display = ("created_at", "status", "channel", "recipients_shown", "subject", "template", "attempts")
    list_filter = ("status", RetriableFilter, "channel", TemplateFilter, "kind", "priority", "created_at")
    search_fields = ("subject",)  # makes the box appear; get_search_results decides
    search_help_text = _("Recipient, subject, template, or the provider's or the request's id")
    ordering = ("-created_at", "-id")
    list_per_page = 50
    paginator = CappedPaginator
    show_full_result_count = False
    actions = ("retry", "cancel")
    fields = (
        "id", "channel", "to", "cc", "bcc", "subject", "template", "template_version", "language", "kind", "priority",
        "status", "attempts", "is_uncertain", "last_error", "provider_message_id", "request_id", "user", "sender",
        "created_at", "due_at", "expires_at", "sent_at",
    )  # fmt: skip
    readonly_fields = fields
    inlines = (TimelineInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return super().get_queryset(request).defer("payload").select_related("user", "sender")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        return queryset.search(search_term), False  # type: ignore[attr-defined]

    @admin.display(description=_("to"))
    def recipients_shown(self, message: Message) -> str:
        """The first recipients."""
        return ", ".join(message.to[:3]) + (" …" if len(message.to) > 3 else "")

    @admin.action(description=_("Send again (failed messages)"), permissions=["send"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """Back to the queue; those that cannot be sent again are left alone."""
        count = dead_letters.retry_all(messages=queryset, by=request.user)  # type: ignore[arg-type]
        text = ngettext("%(count)s message goes out again.", "%(count)s messages go out again.", count)
        self._say(request, text, count)

    @admin.action(description=_("Call back (queued messages)"), permissions=["send"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        """They are not sent; those that are no longer queued are left alone."""
        count = cancelling.cancel_all(messages=queryset, by=request.user)  # type: ignore[arg-type]
        text = ngettext("%(count)s message was called back.", "%(count)s messages were called back.", count)
        self._say(request, text, count)

    def _say(self, request: HttpRequest, text: str, count: int) -> None:
        self.message_user(request, text % {"count": count}, messages.SUCCESS if count else messages.WARNING)
        if count >= batches.MOST:
            self.message_user(request, _("There may be more than are done at once: do it again."), messages.WARNING)

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Who may send may send again."""
        return decisions.has(request.user, "notifications:send")
