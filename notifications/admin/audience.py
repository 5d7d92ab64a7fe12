"""Suppressions and preferences in the admin."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.http import HttpRequest, HttpResponse
from django.utils.text import Truncator, format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from foodfleet.core.admin import confirm, history
from foodfleet.core.admin.base import Subject
from foodfleet.core.admin.forms import ServiceAdmin, ServiceForm
from foodfleet.core.admin.links import PermittedLinksAdmin
from foodfleet.core.admin.lists import (
    DateTimeFilter,
    ReadOnlyMixin,
    RestrictedFiltersAdmin,
    TextSearchAdmin,
    UnchangeableMixin,
    capped_count,
)
from foodfleet.core.http.clients import client_of
from notifications.admin.timeline import isolated
from notifications.exceptions import AlreadySuppressedException
from notifications.models import Preference, Suppression
from notifications.models.audience import SuppressionQuerySet
from notifications.services.audience import suppression
from rbac.services import decisions

SHOWN = 60  # characters of a detail in the list


class SuppressionForm(ServiceForm):
    """A suppression that staff enter."""

    class Meta:
        model = Suppression
        fields = ("channel", "address", "kind", "detail")
        widgets = {"address": AdminTextInputWidget(attrs={"dir": "ltr"})}


class LiftForm(confirm.ConfirmForm):
    """The reason why messages go to the addresses again."""

    because = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=suppression.LONGEST_REASON,
        help_text=_("For example: asked for it by phone on 3 March. It is stored with your name."),
    )


class RequestedLiftForm(LiftForm):
    """A LiftForm with a required reason, if a recipient asked for no more messages."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["because"].required = True


def _lift_sentence(count: int, requested: int) -> str:
    text = ngettext("%(count)s address gets messages again.", "%(count)s addresses get messages again.", count)
    sentences = [text % {"count": count}]
    if requested:
        asked = ngettext(
            "%(number)s of these recipients asked to get no more messages. Writing to them again may be against "
            "the law unless they agreed to it.",
            "%(number)s of these recipients asked to get no more messages. Writing to them again may be against "
            "the law unless they agreed to it.",
            requested,
        )
        sentences.append(asked % {"number": requested})
    return " ".join(sentences)


@admin.register(Suppression)
class SuppressionAdmin(UnchangeableMixin, ServiceAdmin, PermittedLinksAdmin, RestrictedFiltersAdmin):
    """Suppressions, which are entered and lifted, and never changed or deleted."""

    subject, icon = Subject.MESSAGES, "block"
    searched_everywhere = True
    form = SuppressionForm
    error_fields: ClassVar[dict[str, str]] = {AlreadySuppressedException.code: "address"}
    list_display = ("address_shown", "channel", "kind_shown", "reason", "created_at", "lifted_at", "detail_shown")
    list_filter = (
        "channel", "kind", "reason", ("lifted_at", admin.EmptyFieldListFilter), ("created_at", DateTimeFilter),
    )  # fmt: skip
    search_fields = ("address",)
    ordering = ("-created_at",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = ("lift",)
    readonly_fields = (
        "address_shown",
        "kind_shown",
        "reason",
        "created_at",
        "lifted_at",
        "lifted_by",
        "lifted_because",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the address of a saved suppression as text."""
        if obj is None:
            return SuppressionForm.Meta.fields
        lifted = ("lifted_at", "lifted_by", "lifted_because") if obj.lifted_at else ()
        shown = ("address_shown", "channel", "kind_shown", "reason", "detail", "created_at", *lifted)
        return [self.permitted(request, name) for name in shown]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Name the empty kind, and explain the detail."""
        if db_field.name == "kind":
            kwargs |= {"choices": db_field.get_choices(blank_choice=[("", _("All kinds"))]), "help_text": ""}
        if db_field.name == "detail":
            kwargs["help_text"] = _("For your colleagues: who asked for it, and when.")
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description=_("address"), ordering="address")
    def address_shown(self, row: Suppression) -> str:
        """Show the address left to right."""
        return isolated(row.address)

    @admin.display(description=_("kind"), ordering="kind")
    def kind_shown(self, row: Suppression) -> str:
        """Show which kinds of messages are suppressed."""
        return row.get_kind_display() if row.kind else str(_("All kinds"))

    @admin.display(description=_("detail"))
    def detail_shown(self, row: Suppression) -> str:
        """Show the first characters, as a provider's response may be long."""
        return Truncator(row.detail).chars(SHOWN)

    def call_service(self, request: HttpRequest, form: Any, *, change: bool) -> None:
        user: Any = request.user
        new = suppression.NewSuppression(**form.cleaned_data)
        form.instance.__dict__.update(
            suppression.suppress_by_staff(new=new, by=user, client=client_of(request)).__dict__
        )

    @admin.action(description=_("Send to these addresses again"), permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: SuppressionQuerySet) -> HttpResponse | None:
        """Lift the suppressions after a confirmation. Those that recipients requested need a reason."""
        live = queryset.live()
        requested = live.requested_by_recipient().count()
        form_class = RequestedLiftForm if requested else LiftForm
        form = confirm.confirmed(request, form_class)
        if form is None:
            return confirm.page(self, request, live, _lift_sentence(capped_count(live), requested), form_class)
        self._lift(request, list(queryset.values_list("pk", flat=True)), form.cleaned_data["because"])
        return confirm.back(self, request)

    def _lift(self, request: HttpRequest, keys: list[int], because: str) -> None:
        sentence = _("Messages go to this address again.")
        on_batch = history.recorder(request, format_lazy("{} {}", sentence, because) if because else sentence)
        user: Any = request.user
        count = suppression.lift(
            suppression_ids=keys,
            by=user,
            because=because,
            recipient_agreed=True,  # the confirmation page says so and requires a reason
            client=client_of(request),
            on_batch=on_batch,
        )
        text = ngettext("%(count)s address gets messages again.", "%(count)s addresses get messages again.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS if count else messages.WARNING)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show a button that lifts a live suppression."""
        row = self.get_object(request, object_id) if self.has_lift_permission(request) else None
        may_lift = row is not None and row.lifted_at is None
        return super().change_view(request, object_id, form_url, {"may_lift": may_lift, **(extra_context or {})})

    def has_lift_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may use the action."""
        return decisions.has(request.user, "suppressions:lift")


@admin.register(Preference)
class PreferenceAdmin(ReadOnlyMixin, PermittedLinksAdmin, TextSearchAdmin, RestrictedFiltersAdmin):
    """Preferences, searched by user. Only users change them."""

    subject, icon = Subject.MESSAGES, "tune"
    list_display = ("user", "kind", "is_wanted", "changed_at")
    list_select_related = ("user",)
    list_filter = ("kind", "is_wanted")
    search_fields = ("user__search_text",)
    search_help_text = _("Part of the e-mail address, a name or the phone number")
    ordering = ("-id",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    fields = readonly_fields = ("user", "kind", "is_wanted", "changed_at")
