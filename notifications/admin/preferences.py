"""What people want to be told: theirs to say, staff's to see."""

from django.contrib import admin

from notifications.admin.read_only import ReadOnly
from notifications.models import Preference


@admin.register(Preference)
class PreferenceAdmin(ReadOnly, admin.ModelAdmin):  # type: ignore[type-arg]
    """Found by person."""

    list_display = ("user", "kind", "is_wanted", "changed_at")
    list_select_related = ("user",)
    list_filter = ("kind", "is_wanted")
    search_fields = ("user__email__startswith",)
    ordering = ("-id",)
    show_full_result_count = False
    fields = readonly_fields = ("user", "kind", "is_wanted", "changed_at")
