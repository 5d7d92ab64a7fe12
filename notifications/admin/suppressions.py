"""Addresses that nothing is sent to."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.models import E164
from notifications.models import Suppression
from notifications.services import suppression
from notifications.states import EVERY_KIND, Channel, SuppressionReason
from rbac.services import decisions


class SuppressionForm(forms.ModelForm):  # type: ignore[type-arg]
    """An address that staff enter."""

    class Meta:
        model = Suppression
        fields = ("channel", "address", "kind", "detail")

    def clean(self) -> dict[str, Any]:
        """The address in the form that it is kept in; once only."""
        data = super().clean() or self.cleaned_data
        if data.get("channel") and data.get("address"):
            data["address"] = suppression.kept_form(data["channel"], data["address"])
            try:  # what nothing is ever sent to would only look as if it were held back
                (E164 if data["channel"] == Channel.SMS else validate_email)(data["address"])
            except ValidationError as error:
                self.add_error("address", error)
            else:
                self._refuse_second(data)
        return data

    def _refuse_second(self, data: dict[str, Any]) -> None:
        if suppression.is_barred(data["channel"], data["address"], data.get("kind", EVERY_KIND)):
            self.add_error("address", _("Nothing is sent to this address already."))


@admin.register(Suppression)
class SuppressionAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Enter and lift; the history of an address stays."""

    form = SuppressionForm
    list_display = ("address", "channel", "kind", "reason", "detail", "created_at", "lifted_at")
    list_filter = ("channel", "kind", "reason", ("lifted_at", admin.EmptyFieldListFilter), "created_at")
    search_fields = ("address",)
    ordering = ("-created_at",)
    show_full_result_count = False
    actions = ("lift",)
    readonly_fields = ("reason", "created_at", "lifted_at", "lifted_by")

    def save_model(self, request: HttpRequest, obj: Suppression, form: Any, change: bool) -> None:
        """Enter it through the service; `obj` becomes the row that it made."""
        suppression.suppress(
            channel=obj.channel,
            address=obj.address,
            kind=obj.kind,
            reason=SuppressionReason.MANUAL,
            detail=obj.detail,
        )
        obj.pk = Suppression.objects.of(obj.channel, [obj.address]).of_kinds([obj.kind]).get().pk

    @admin.action(description=_("Send to these addresses again"), permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> None:
        """End them; they stay in the list as lifted."""
        keys = list(queryset.values_list("pk", flat=True))
        count = suppression.lift(suppression_ids=keys, by=request.user)  # type: ignore[arg-type]
        text = ngettext("%(count)s address gets messages again.", "%(count)s addresses get messages again.", count)
        self.message_user(request, text % {"count": count}, messages.SUCCESS)

    def has_lift_permission(self, request: HttpRequest) -> bool:
        """Asked by the action."""
        return decisions.has(request.user, "suppressions:lift")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
