"""Webhook endpoints and deliveries in the admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models.users import signed_in_user
from foodfleet.core.admin import history
from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.forms import ServiceAdmin, errors_as_messages
from foodfleet.core.admin.links import PermittedLinksAdmin
from foodfleet.core.admin.lists import CappedPaginator, DateTimeFilter, ReadOnlyMixin, RestrictedFiltersAdmin
from notifications.admin.timeline import isolated, timeline_of
from notifications.models import WebhookDelivery, WebhookEndpoint
from notifications.models.webhooks import WebhookDeliveryQuerySet
from notifications.services.webhooks import deliveries, endpoints
from notifications.services.webhooks.endpoints import EndpointChanges, NewEndpoint, WithSecret
from notifications.states import EVERY_EVENT, webhook_event_choices
from rbac.services import decisions

OF_ENDPOINT = "endpoint__id__exact"


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]
    """An endpoint, with a checkbox for each event."""

    events = forms.MultipleChoiceField(
        label=_("events"),
        choices=lambda: [(name, name if name != EVERY_EVENT else label) for name, label in webhook_event_choices()],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "events", "description", "is_active")
        widgets = {"url": forms.URLInput(attrs={"dir": "ltr", "size": 60})}


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ServiceAdmin, PermittedLinksAdmin, RestrictedFiltersAdmin):
    """Endpoints, changed by services."""

    subject, icon = Subject.PROGRAMS, "webhook"
    form = EndpointForm
    list_display = ("url_shown", "events_shown", "is_active", "failing_since", "owner")
    list_select_related = ("owner",)
    list_filter = ("is_active",)
    ordering = ("-pk",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = ("test", "rotate_secret")
    readonly_fields = ("owner", "disabled_reason", "failing_since", "failures", "deliveries_shown", "created_at")
    changelist_view = errors_as_messages(ServiceAdmin.changelist_view)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = EndpointForm.Meta.fields
        return (*fields, *self.readonly_fields) if obj else fields

    @admin.display(description=_("URL"))
    def url_shown(self, endpoint: WebhookEndpoint) -> str:
        """Show the URL left to right."""
        return isolated(endpoint.url)

    @admin.display(description=_("events"))
    def events_shown(self, endpoint: WebhookEndpoint) -> str:
        """Show the names of the events."""
        return str(_("All events")) if EVERY_EVENT in endpoint.events else ", ".join(endpoint.events)

    @admin.display(description=_("webhook deliveries"))
    def deliveries_shown(self, endpoint: WebhookEndpoint) -> SafeString:
        """Link to what was delivered to it."""
        listed = reverse("admin:notifications_webhookdelivery_changelist", query={OF_ENDPOINT: endpoint.pk})
        return format_html('<a href="{}">{}</a>', listed, _("webhook deliveries"))

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in form.changed_data if name in EndpointForm.Meta.fields}
        if change:
            saved = endpoints.change(pk=form.instance.pk, changes=EndpointChanges(**given), by=signed_in_user(request))
        else:
            new = {name: form.cleaned_data[name] for name in EndpointForm.Meta.fields}
            form.instance.made = endpoints.create(new=NewEndpoint(**new), by=signed_in_user(request))
            saved = form.instance.made.endpoint
        form.instance.pk, form.instance.url = saved.pk, saved.url

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        endpoints.delete(pk=obj.pk, by=signed_in_user(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        for endpoint in queryset:
            endpoints.delete(pk=endpoint.pk, by=signed_in_user(request))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Show the secret."""
        return self._with_secret(request, obj.made)

    def _with_secret(self, request: HttpRequest, made: WithSecret) -> HttpResponse:
        """Show the secret: in this response alone, so that no session or cookie holds it."""
        context = {
            **self.admin_site.each_context(request),
            "made": made,
            "title": _("Secret of the webhook endpoint"),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/notifications/webhook_secret.html", context)

    @admin.action(description=_("Send a test event"), permissions=["change"])
    def test(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        """Queue a test event to each of the endpoints."""
        for endpoint in queryset:
            deliveries.send_test(endpoint_id=endpoint.pk, by=signed_in_user(request))
        self.message_user(request, _("The test event is on its way. The deliveries show what becomes of it."))

    @admin.action(description=_("Replace the secret"), permissions=["change"])
    def rotate_secret(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse | None:
        """Replace the secret of one endpoint and show the new one."""
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, _("Choose one endpoint: its new secret is shown once."), messages.WARNING)
            return None
        made = endpoints.rotate_secret(pk=chosen[0].pk, by=signed_in_user(request))
        history.record(request, chosen, _("Secret replaced"))
        return self._with_secret(request, made)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyMixin, PermittedLinksAdmin, RestrictedFiltersAdmin):
    """Deliveries with their timelines."""

    subject, icon = Subject.PROGRAMS, "outbox"
    list_display = ("created_at", "event", "status", "attempts", "last_error", "endpoint")
    list_select_related = ("message", "endpoint")
    list_filter = ("message__status", ("created_at", DateTimeFilter))
    extra_lookups = (OF_ENDPOINT,)
    ordering = ("-created_at", "-message")
    list_per_page = 50
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = ("replay",)
    fields = ("event", "status", "attempts", "last_error", "endpoint", "created_at", "message_id", "timeline")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        return super().get_queryset(request).select_related("message", "endpoint").defer("message__payload")

    @admin.display(description=_("event"))
    def event(self, delivery: WebhookDelivery) -> str:
        """Return the name of the event."""
        return delivery.message.template

    @admin.display(description=_("status"))
    def status(self, delivery: WebhookDelivery) -> str:
        """Return the status of its message."""
        return delivery.message.get_status_display()

    @admin.display(description=_("attempts"))
    def attempts(self, delivery: WebhookDelivery) -> int:
        """Return how often it was tried since it was queued."""
        return delivery.message.attempts

    @admin.display(description=_("last error"))
    def last_error(self, delivery: WebhookDelivery) -> str:
        """Return why it failed."""
        return delivery.message.last_error

    @admin.display(description="webhook-id")
    def message_id(self, delivery: WebhookDelivery) -> str:
        """Return the id that the receiver sees."""
        return isolated(str(delivery.message_id))

    @admin.display(description=_("timeline"))
    def timeline(self, delivery: WebhookDelivery) -> SafeString:
        """Show what became of it."""
        return timeline_of(delivery.message)

    @admin.action(description=_("Deliver again"), permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: WebhookDeliveryQuerySet) -> None:
        """Deliver again to active endpoints."""
        on_batch = history.recorder(request, _("Queued again by hand"))
        count = deliveries.replay_all(chosen=queryset, by=signed_in_user(request), on_batch=on_batch)
        text = ngettext("%(count)s event is delivered again.", "%(count)s events are delivered again.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS if count else messages.WARNING)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may deliver again."""
        return decisions.has(request.user, "webhooks:update")
