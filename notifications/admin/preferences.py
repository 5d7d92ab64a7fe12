"""What people want to be told: theirs to say, staff's to see."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin.links import PermittedLinksAdmin
from foodfleet.core.admin.lists import RestrictedFiltersAdmin, TextSearchAdmin
from notifications.admin.read_only import ReadOnly
from notifications.models import Preference


@admin.register(Preference)
class PreferenceAdmin(ReadOnly, PermittedLinksAdmin, TextSearchAdmin, RestrictedFiltersAdmin):
    """Found by person."""

    list_display = ("user", "kind", "is_wanted", "changed_at")
    list_select_related = ("user",)
    list_filter = ("kind", "is_wanted")
    search_fields = ("user__search_text",)
    search_help_text = _("Part of the e-mail address, a name or the phone number")
    ordering = ("-id",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    fields = readonly_fields = ("user", "kind", "is_wanted", "changed_at")
