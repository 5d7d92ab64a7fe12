"""Webhook endpoints and deliveries in the admin."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models.users import signed_in_user
from foodfleet.core.admin import confirm, history, times
from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.forms import ServiceAdmin, ServiceForm, errors_as_messages
from foodfleet.core.admin.links import PermittedLinksAdmin
from foodfleet.core.admin.lists import (
    CappedPaginator,
    DateTimeFilter,
    ReadOnlyMixin,
    RestrictedFiltersAdmin,
    capped_count,
)
from foodfleet.core.http.clients import client_of
from notifications.admin.timeline import State, isolated, state_of, status_tag, timeline_of
from notifications.models import Message, WebhookDelivery, WebhookEndpoint
from notifications.models.webhooks import WebhookDeliveryQuerySet
from notifications.services.webhooks import deliveries, endpoints
from notifications.services.webhooks.endpoints import EndpointChanges, NewEndpoint, WithSecret
from notifications.states import EVERY_EVENT, webhook_event_choices
from rbac.services import decisions

OF_ENDPOINT = "endpoint__id__exact"
NEWEST = 8  # deliveries on the page of an endpoint


class EndpointForm(ServiceForm):
    """An endpoint, with a checkbox for each event."""

    events = forms.MultipleChoiceField(
        label=_("Events"),
        choices=lambda: [(name, name if name != EVERY_EVENT else label) for name, label in webhook_event_choices()],
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = WebhookEndpoint
        fields = ("url", "events", "description", "is_active")
        widgets = {"url": forms.URLInput(attrs={"dir": "ltr", "size": 60})}


def _status(delivery: WebhookDelivery) -> SafeString:
    return status_tag(delivery.message.status)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ServiceAdmin, PermittedLinksAdmin, RestrictedFiltersAdmin):
    """Webhook endpoints with their newest deliveries, test events and secrets."""

    subject, icon = Subject.PROGRAMS, "webhook"
    form = EndpointForm
    list_display = ("url_shown", "events_shown", "is_active", "failing_since", "owner")
    list_select_related = ("owner",)
    list_filter = ("is_active",)
    ordering = ("-pk",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = ("test", "rotate_secret")
    readonly_fields = ("owner", "created_at")
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

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the state, buttons, and the newest deliveries."""
        endpoint = self.get_object(request, object_id)
        context = self._overview(request, endpoint) if endpoint and self.has_view_permission(request) else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def _overview(self, request: HttpRequest, endpoint: WebhookEndpoint) -> dict[str, Any]:
        may_change = self.has_change_permission(request, endpoint)
        newest = WebhookDelivery.objects.filter(endpoint=endpoint).select_related("message").defer("message__payload")
        rows = [
            (delivery, times.relative(delivery.created_at), _status(delivery))
            for delivery in newest.order_by("-created_at", "-message")[:NEWEST]
        ]
        return {
            "state": state_of_endpoint(endpoint),
            "may_test": may_change and endpoint.is_active,
            "may_change": may_change,
            "deliveries": rows,
            "deliveries_link": reverse(
                "admin:notifications_webhookdelivery_changelist", query={OF_ENDPOINT: endpoint.pk}
            ),
        }

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        given = {name: form.cleaned_data[name] for name in form.changed_data if name in EndpointForm.Meta.fields}
        if change:
            saved = endpoints.change(pk=form.instance.pk, changes=EndpointChanges(**given), **_by(request))
        else:
            new = {name: form.cleaned_data[name] for name in EndpointForm.Meta.fields}
            form.instance.made = endpoints.create(new=NewEndpoint(**new), **_by(request))
            saved = form.instance.made.endpoint
        form.instance.pk, form.instance.url = saved.pk, saved.url

    def delete_model(self, request: HttpRequest, obj: WebhookEndpoint) -> None:
        endpoints.delete(pk=obj.pk, **_by(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        for endpoint in queryset:
            endpoints.delete(pk=endpoint.pk, **_by(request))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Show the secret."""
        return self._with_secret(request, obj.made)

    def _with_secret(self, request: HttpRequest, made: WithSecret) -> HttpResponse:
        """Show the secret. Only this response contains it, so that no session or cookie stores it."""
        context = {
            **self.admin_site.each_context(request),
            "made": made,
            "title": _("Secret of the webhook endpoint"),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/notifications/webhook_secret.html", context)

    @admin.action(description=_("Send a test event"), permissions=["change"])
    def test(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse | None:
        """Queue a test event to each of the endpoints."""
        for endpoint in queryset:
            deliveries.send_test(endpoint_id=endpoint.pk, by=signed_in_user(request))
        self.message_user(request, _("The test event is queued. The list of deliveries shows its result."))
        return confirm.back(self, request)

    @admin.action(description=_("Replace the secret"), permissions=["change"])
    def rotate_secret(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> HttpResponse | None:
        """Replace the secret of one endpoint, after a confirmation, and show the new one."""
        chosen = list(queryset[:2])
        if len(chosen) != 1:
            self.message_user(request, _("Choose one endpoint: its new secret is shown once."), messages.WARNING)
            return None
        if confirm.confirmed(request) is None:
            sentence = _("The endpoint gets a new secret. The present one signs too for 24 hours, then no more.")
            return confirm.page(self, request, queryset, str(sentence))
        made = endpoints.rotate_secret(pk=chosen[0].pk, **_by(request))
        history.record(request, chosen, _("Secret replaced"))
        return self._with_secret(request, made)


def state_of_endpoint(endpoint: WebhookEndpoint) -> State:
    """Return whether events are delivered to the endpoint, and why not."""
    if endpoint.disabled_reason:
        why = {"why": endpoint.get_disabled_reason_display()}
        advice = _("Repair the receiver, activate the endpoint, and deliver again what failed.")
        return State(str(_("Disabled by itself: %(why)s.") % why), str(advice), "bad")
    if not endpoint.is_active:
        return State(str(_("Paused: new events are not recorded for it.")), tone="warn")
    if endpoint.failing_since is not None:
        since = date_format(timezone.localtime(endpoint.failing_since), "DATETIME_FORMAT")
        words = {"since": since, "count": endpoint.failures}
        sentence = _("Failing since %(since)s, %(count)s times in a row. It is retried automatically.")
        advice = _("Look at the timeline of a delivery: it has the status and the error of each attempt.")
        return State(str(sentence % words), str(advice), "warn")
    return State(str(_("Active: events are delivered to it.")), tone="good")


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnlyMixin, PermittedLinksAdmin, RestrictedFiltersAdmin):
    """Deliveries with their timelines."""

    subject, icon = Subject.PROGRAMS, "outbox"
    list_display = ("created_at", "event", "status", "attempts", "last_error", "endpoint")
    list_select_related = ("message", "endpoint")
    list_filter = ("message__status", ("created_at", DateTimeFilter))
    extra_lookups = (OF_ENDPOINT,)
    ordering = ("-created_at", "-message")
    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = ("replay",)
    fields = ("event", "status", "attempts", "last_error", "endpoint", "created_at", "webhook_id", "timeline")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[WebhookDelivery]:
        return super().get_queryset(request).select_related("message", "endpoint").defer("message__payload")

    @admin.display(description=_("event"))
    def event(self, delivery: WebhookDelivery) -> str:
        """Return the name of the event."""
        return delivery.message.template

    @admin.display(description=_("status"))
    def status(self, delivery: WebhookDelivery) -> str:
        """Show the status of its message with a colour."""
        return _status(delivery)

    @admin.display(description=_("attempts"))
    def attempts(self, delivery: WebhookDelivery) -> int:
        """Return the number of attempts since it was queued."""
        return delivery.message.attempts

    @admin.display(description=_("last error"))
    def last_error(self, delivery: WebhookDelivery) -> str:
        """Return why it failed."""
        return delivery.message.last_error

    @admin.display(description="webhook-id")
    def webhook_id(self, delivery: WebhookDelivery) -> str:
        """Return the id that the receiver sees."""
        return isolated(str(delivery.message_id))

    @admin.display(description=_("timeline"))
    def timeline(self, delivery: WebhookDelivery) -> SafeString:
        """Show the events of its message."""
        return timeline_of(delivery.message)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the state of the delivery in words, and a button that delivers again."""
        delivery = self.get_object(request, object_id) if self.has_view_permission(request) else None
        context: dict[str, Any] = {}
        if delivery is not None:
            is_open = delivery.endpoint is not None and delivery.endpoint.is_active
            has_content = Message.objects.filter(pk=delivery.pk).exclude(payload="").exists()
            may_replay = is_open and has_content and self.has_replay_permission(request)
            context = {"state": state_of(delivery.message), "may_replay": may_replay, "is_paused": not is_open}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    @admin.action(description=_("Deliver again"), permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: WebhookDeliveryQuerySet) -> HttpResponse | None:
        """Deliver again to active endpoints, after a confirmation if started in the list."""
        chosen = queryset.filter(endpoint__is_active=True)
        if confirm.FROM_PAGE not in request.POST and confirm.confirmed(request) is None:
            sentence = _("Events to deliver again, where the endpoint is active: %(count)s.")
            return confirm.page(self, request, chosen, str(sentence % {"count": capped_count(chosen)}))
        on_batch = history.recorder(request, _("Queued again by hand"))
        count = deliveries.replay_all(chosen=queryset, by=signed_in_user(request), on_batch=on_batch)
        text = ngettext("%(count)s event is delivered again.", "%(count)s events are delivered again.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS if count else messages.WARNING)
        return confirm.back(self, request)

    def has_replay_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may deliver again."""
        return decisions.has(request.user, "webhooks:update")


def _by(request: HttpRequest) -> dict[str, Any]:
    return {"by": signed_in_user(request), "client": client_of(request)}
