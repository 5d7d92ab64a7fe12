"""Addresses that nothing is sent to."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import Truncator, format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import E164
from foodfleet.core.admin import history
from foodfleet.core.admin.links import PermittedLinksAdmin
from foodfleet.core.admin.lists import DateTimeFilter, RestrictedFiltersAdmin
from foodfleet.core.exceptions import ValidationException
from notifications.admin.addresses import isolated
from notifications.admin.forms import reasons
from notifications.models import Suppression
from notifications.services.audience import suppression
from notifications.states import EVERY_KIND, Channel, SuppressionReason
from rbac.services import decisions

MOST_SHOWN = 20  # rows of those that a question is about
SHOWN = 60  # characters of a detail in the list


class SuppressionForm(forms.ModelForm):  # type: ignore[type-arg]
    """An address that staff enter."""

    class Meta:
        model = Suppression
        fields = ("channel", "address", "kind", "detail")
        widgets = {"address": AdminTextInputWidget(attrs={"dir": "ltr"})}

    def clean(self) -> dict[str, Any]:
        """The address in the form that it is kept in; once only."""
        data = super().clean() or self.cleaned_data
        if data.get("channel") and data.get("address"):
            data["address"] = suppression.normalized(data["channel"], data["address"])
            try:  # what nothing is ever sent to would only look as if it were held back
                (E164 if data["channel"] == Channel.SMS else validate_email)(data["address"])
            except ValidationError as error:
                self.add_error("address", error)
            else:
                self._refuse_second(data)
        return data

    def _refuse_second(self, data: dict[str, Any]) -> None:
        if suppression.is_suppressed(data["channel"], data["address"], data.get("kind", EVERY_KIND)):
            self.add_error("address", _("Nothing is sent to this address already."))


@admin.register(Suppression)
class SuppressionAdmin(PermittedLinksAdmin, RestrictedFiltersAdmin):
    """Enter and lift; the history of an address stays."""

    form = SuppressionForm
    list_display = ("address_shown", "channel", "kind_shown", "reason", "created_at", "lifted_at", "detail_shown")
    list_filter = (
        "channel", "kind", "reason", ("lifted_at", admin.EmptyFieldListFilter), ("created_at", DateTimeFilter),
    )  # fmt: skip
    search_fields = ("address",)
    ordering = ("-created_at",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    actions = ("lift",)
    readonly_fields = ("address_shown", "reason", "created_at", "lifted_at", "lifted_by", "lifted_because")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Typed when it is entered; only shown from then on."""
        if obj is None:
            return SuppressionForm.Meta.fields
        return ["address_shown" if name == "address" else name for name in super().get_fields(request, obj)]

    @admin.display(description=_("address"), ordering="address")
    def address_shown(self, row: Suppression) -> str:
        """From left to right."""
        return isolated(row.address)

    @admin.display(description=_("kind"), ordering="kind")
    def kind_shown(self, row: Suppression) -> str:
        """Which messages are held back."""
        return row.get_kind_display() if row.kind else str(_("All kinds"))

    @admin.display(description=_("detail"))
    def detail_shown(self, row: Suppression) -> str:
        """The beginning: a provider's answer may fill a page."""
        return Truncator(row.detail).chars(SHOWN)

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        """Enter it through the service; `obj` becomes the row that it made."""
        suppression.suppress(
            channel=obj.channel,
            address=obj.address,
            kind=obj.kind,
            reason=SuppressionReason.MANUAL,
            detail=obj.detail,
            by=request.user,  # type: ignore[arg-type]
        )
        obj.pk = Suppression.objects.of(obj.channel, [obj.address]).of_kinds([obj.kind]).get().pk

    @admin.action(description=_("Send to these addresses again"), permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> HttpResponse | None:
        """End them; they stay in the list as lifted. What recipients asked for is lifted after a question, with why."""
        keys = list(queryset.values_list("pk", flat=True))
        because = request.POST.get("because", "").strip()
        sentence = _("Messages go to this address again.")
        on_batch = history.recorder(request, format_lazy("{} {}", sentence, because) if because else sentence)
        user: Any = request.user
        try:
            count = suppression.lift(suppression_ids=keys, by=user, because=because, on_batch=on_batch)
        except ValidationException as refusal:
            return self._question(request, queryset, reasons(refusal) if "because" in request.POST else [])
        text = ngettext("%(count)s address gets messages again.", "%(count)s addresses get messages again.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS if count else messages.WARNING)
        return None

    def _question(self, request: HttpRequest, queryset: QuerySet[Suppression], errors: list[str]) -> HttpResponse:
        """Whether, and why, messages are to go again to those who said that they want none."""
        asked = queryset.live().asked_by_recipient()  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": _("Send to these addresses again"),
            "opts": self.opts,
            "rows": asked[:MOST_SHOWN],
            "count": asked.count(),
            "errors": errors,
            "because": request.POST.get("because", ""),
            "most": suppression.LONGEST_REASON,
            "chosen": request.POST.getlist("_selected_action"),
            "across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "admin/notifications/lift.html", context)

    def has_lift_permission(self, request: HttpRequest) -> bool:
        """Asked by the action."""
        return decisions.has(request.user, "suppressions:lift")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
