"""Messages in the admin: read-only, without codes and links, with actions to retry and cancel."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET

from accounts.models.users import signed_in_user
from foodfleet.core.admin import confirm, history
from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.filters import YesFilter
from foodfleet.core.admin.links import PermittedLinksAdmin
from foodfleet.core.admin.lists import (
    CappedPaginator,
    DateTimeFilter,
    ReadOnlyMixin,
    RestrictedFiltersAdmin,
    all_found,
    capped,
    capped_count,
)
from foodfleet.core.database import batches
from foodfleet.core.http.clients import client_of
from foodfleet.core.http.lists.csv_export import csv_response
from notifications.admin.timeline import TimelineInline, isolated, listed, state_of, status_tag
from notifications.models import Message, Suppression
from notifications.models.messages import MessageQuerySet
from notifications.services.operations import exports, failures, statistics
from notifications.services.operations import messages as operations
from notifications.services.templates import cache, specs
from notifications.states import LOST, Channel, Status
from rbac.services import decisions

# Fields that are shown only if they have a value: the name on the page and the attribute.
OPTIONAL = {
    "doubt": "is_uncertain", "last_error": "last_error", "cc_shown": "cc", "bcc_shown": "bcc", "template": "template",
    "template_version": "template", "expires_at": "expires_at", "provider_message_id": "provider_message_id",
}  # fmt: skip


# The statuses with an index. The others, which most of the table has, are not counted.
COUNTED = (
    Status.QUEUED, Status.FAILED, Status.BOUNCED, Status.COMPLAINED, Status.SUPPRESSED, Status.CANCELLED,
)  # fmt: skip


class RetriableFilter(YesFilter):
    """Filters failed messages that can be retried."""

    title = _("can be sent again")
    parameter_name = "retriable"

    def chosen(self, queryset: MessageQuerySet) -> MessageQuerySet:
        return queryset.retriable(timezone.now())


class LostFilter(YesFilter):
    """Filters messages that finally failed or did not arrive."""

    title = _("failed or returned")
    parameter_name = "lost"

    def chosen(self, queryset: MessageQuerySet) -> MessageQuerySet:
        return queryset.filter(status__in=LOST)


class CauseFilter(admin.SimpleListFilter):
    """Filters messages that did not arrive by their cause."""

    title = _("cause")
    parameter_name = "cause"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(failure.code, failure.label) for failure in failures.of_lost_messages()]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if not self.value():
            return queryset
        return failures.with_cause(queryset.filter(status__in=LOST)).filter(cause=self.value())


class TemplateFilter(admin.SimpleListFilter):
    """Filters by template, with the names of specs and templates rather than of all messages."""

    title = _("template")
    parameter_name = "template"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        names = {spec.name for channel in Channel for spec in specs.for_channel(channel)}
        names.update(cache.sms_template_names())
        return [(name, name) for name in sorted(names)]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(template=self.value()) if self.value() else queryset


def states(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the quick filters above the list, with the numbers of messages that need attention."""
    counts = statistics.count_by_status(COUNTED, timezone.now())
    numbers = {name: str(capped(count, statistics.COUNTED)) for name, count in counts.items() if count}
    shown = [{"title": _("All"), "query": "", "is_current": not request.GET}]
    shown.append(
        {
            "title": _("Can be sent again"),
            "query": "retriable=yes",
            "number": numbers.get(statistics.RETRIABLE, ""),
            "is_current": request.GET.get("retriable") == "yes",
        }
    )
    for status in (*COUNTED, Status.SENT, Status.DELIVERED):
        shown.append(
            {
                "title": status.label,
                "query": f"status__exact={status.value}",
                "number": numbers.get(status, ""),
                "is_current": request.GET.get("status__exact") == status.value,
            }
        )
    return shown


@admin.register(Message)
class MessageAdmin(ReadOnlyMixin, PermittedLinksAdmin, RestrictedFiltersAdmin):
    """A searchable list of messages with their timelines."""

    subject, icon = Subject.MESSAGES, "mail"
    anchors = {"user": "messages"}
    comes_first = True
    searched_everywhere = True
    list_before_template = "admin/notifications/states.html"
    list_display = ("created_at", "status_shown", "recipients_shown", "subject", "template")
    list_filter = (
        "status", LostFilter, CauseFilter, RetriableFilter, "channel", TemplateFilter, "kind", "priority",
        ("created_at", DateTimeFilter),
    )  # fmt: skip
    search_fields = ("subject",)  # shows the search box; get_search_results searches
    search_help_text = _("Recipient, subject, template, or ID of the message, provider or request: at most ten words")
    ordering = ("-created_at", "-id")
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # facets count the whole table for each choice
    actions = ("retry", "cancel")
    fields = (
        "status", "doubt", "last_error", "to_shown", "cc_shown", "bcc_shown", "subject", "channel", "template",
        "template_version", "language", "kind", "priority", "attempts", "user", "sender", "created_at", "due_at",
        "expires_at", "sent_at", "provider_message_id", "request_id", "id",
    )  # fmt: skip
    readonly_fields = fields
    inlines = (TimelineInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        return Message.objects.to_people().defer("payload").select_related("user", "sender")

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(require_GET(self._export))
        return [path("export/", export, name="notifications_message_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the statuses above the list, and a link to its export."""
        export = {"url": reverse("admin:notifications_message_export", query=request.GET), "title": _("Export as CSV")}
        context = {"states": states(request), "list_links": [export]}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def _export(self, request: HttpRequest) -> HttpResponseBase:
        """Stream all messages that match the filters and the search of the list. The export is recorded."""
        found = all_found(self, request)
        if found is None:
            return redirect("admin:notifications_message_changelist")
        filters = [name for name in request.GET if request.GET[name]]
        rows = exports.export(found=found, filters=filters, actor=signed_in_user(request), client=client_of(request))
        return csv_response("messages.csv", exports.CSV_COLUMNS, rows)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the state of the message in words, and buttons for the possible actions."""
        message = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context: dict[str, Any] = {}
        if message is not None:
            can_retry = Message.objects.retriable(timezone.now()).filter(pk=message.pk).exists()
            may_send = self.has_send_permission(request)
            context = {
                "state": state_of(message, can_retry=can_retry),
                "can_retry": can_retry and may_send,
                "can_cancel": message.status == Status.QUEUED and may_send,
                "links": self._links(request, message),
            }
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def _links(self, request: HttpRequest, message: Message) -> list[tuple[Any, str]]:
        """Return titles and URLs of what else concerns the recipient, to users who may open it."""
        if len(message.to) != 1:
            return []
        about = {"q": message.to[0]}
        all_of_them = reverse("admin:notifications_message_changelist", query=about)
        found = [(_("All messages to this recipient"), all_of_them)]
        may_be_suppressed = message.status in {Status.SUPPRESSED, Status.BOUNCED, Status.COMPLAINED}
        if may_be_suppressed and self.admin_site.get_model_admin(Suppression).has_view_permission(request):
            found.append((_("Suppressed address"), reverse("admin:notifications_suppression_changelist", query=about)))
        return found

    def get_fields(self, request: HttpRequest, obj: Message | None = None) -> Any:
        """Leave out the optional fields without a value."""
        fields = super().get_fields(request, obj)
        return [name for name in fields if name not in OPTIONAL or getattr(obj, OPTIONAL[name], None)]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        return queryset.search(search_term), False  # type: ignore[attr-defined]

    def first_found(self, rows: Any, most: int) -> list[Any]:
        """Return failed messages that can be sent again before others, so that newer messages do not hide them."""
        failed = list(rows.retriable(timezone.now())[:most])
        others = rows.exclude(pk__in=[one.pk for one in failed])
        return failed + list(others[: most - len(failed)])

    def found_as(self, row: Message) -> str:
        return f"{', '.join(row.to[:1])} · {row.subject or row.template} · {row.get_status_display()}"

    @admin.display(description=_("status"), ordering="status")
    def status_shown(self, message: Message) -> str:
        """Show the status with a colour."""
        return status_tag(message.status)

    @admin.display(description=_("to"))
    def recipients_shown(self, message: Message) -> str:
        """Show the first recipient and the number of others."""
        return isolated(*message.to[:1], *([f"+{len(message.to) - 1}"] if len(message.to) > 1 else []))

    @admin.display(description=_("uncertain"))
    def doubt(self, message: Message) -> str:
        """Show what `is_uncertain` means."""
        return str(Message._meta.get_field("is_uncertain").help_text)

    @admin.display(description=_("to"))
    def to_shown(self, message: Message) -> str:
        """Show all recipients."""
        return listed(message.to)

    @admin.display(description=_("cc"))
    def cc_shown(self, message: Message) -> str:
        """Show all recipients of copies."""
        return listed(message.cc)

    @admin.display(description=_("bcc"))
    def bcc_shown(self, message: Message) -> str:
        """Show all recipients of blind copies."""
        return listed(message.bcc)

    @admin.action(description=_("Retry (failed messages)"), permissions=["send"])
    def retry(self, request: HttpRequest, queryset: MessageQuerySet) -> HttpResponse | None:
        """Queue the failed messages again, after a confirmation, and ignore the others."""
        failed = queryset.retriable(timezone.now())
        sentence = ngettext(
            "%(count)s failed message will be sent again.",
            "%(count)s failed messages will be sent again. All others stay as they are.",
            (number := capped_count(failed)),
        )
        if confirm.confirmed(request) is None:
            return confirm.page(self, request, failed, sentence % {"count": number})
        on_batch = history.recorder(request, _("Queued again by hand"))
        count = operations.retry_all(messages=queryset, by=signed_in_user(request), on_batch=on_batch)
        text = ngettext("%(count)s message will be sent again.", "%(count)s messages will be sent again.", count)
        return self._report(request, text, count)

    @admin.action(description=_("Cancel sending (queued messages)"), permissions=["send"])
    def cancel(self, request: HttpRequest, queryset: MessageQuerySet) -> HttpResponse | None:
        """Cancel the queued messages, after a confirmation, and ignore the others."""
        waiting = queryset.waiting()
        sentence = ngettext(
            "%(count)s queued message will be cancelled and loses its content.",
            "%(count)s queued messages will be cancelled and lose their content. All others stay as they are.",
            (count := capped_count(waiting)),
        )
        if confirm.confirmed(request) is None:
            return confirm.page(self, request, waiting, sentence % {"count": count})
        on_batch = history.recorder(request, _("Cancelled by hand"))
        count = operations.cancel_all(messages=queryset, by=signed_in_user(request), on_batch=on_batch)
        text = ngettext("%(count)s message was cancelled.", "%(count)s messages were cancelled.", count)
        return self._report(request, text, count)

    def _report(self, request: HttpRequest, text: str, count: int) -> HttpResponse | None:
        self.message_user(request, text % {"count": count}, messages.SUCCESS if count else messages.WARNING)
        if count >= batches.MOST:
            self.message_user(
                request, _("Only a part was processed. Run the action again for the rest."), messages.WARNING
            )
        return confirm.back(self, request)

    def has_send_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may retry and cancel."""
        return decisions.has(request.user, "notifications:send")
