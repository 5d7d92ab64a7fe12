"""What people want to be told: theirs to say, staff's to see."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin_links import LinksAsAllowed
from foodfleet.core.admin_lists import FilteredAsOffered, SearchedAsKept
from notifications.admin.read_only import ReadOnly
from notifications.models import Preference


@admin.register(Preference)
class PreferenceAdmin(ReadOnly, LinksAsAllowed, SearchedAsKept, FilteredAsOffered):
    """Found by person."""

    list_display = ("user", "kind", "is_wanted", "changed_at")
    list_select_related = ("user",)
    list_filter = ("kind", "is_wanted")
    search_fields = ("user__email__startswith",)
    search_help_text = _("Beginning of the e-mail address")
    ordering = ("-id",)
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    fields = readonly_fields = ("user", "kind", "is_wanted", "changed_at")
