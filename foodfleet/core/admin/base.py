"""The base class of all admins: unfold's look, and their place in the navigation."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from foodfleet.core.admin import times, widgets

if TYPE_CHECKING:  # unfold has no types
    from django.contrib.admin import ModelAdmin
else:
    from unfold.admin import ModelAdmin


class Subject(models.TextChoices):
    """The groups of the navigation, in their order."""

    PEOPLE = "people", _("People")
    ACCESS = "access", _("Access")
    MESSAGES = "messages", _("Messages")
    PROGRAMS = "programs", _("Programs")
    EVENTS = "events", _("Events")


class BaseAdmin(ModelAdmin):  # type: ignore[type-arg]
    """An admin in unfold's look.

    subject: the group of the navigation; None: one of the app's own. comes_first: in its group; the others follow by
    name. icon: a name of https://fonts.google.com/icons.
    searched_everywhere: whether Ctrl-K finds its rows.
    """

    subject: Subject | None = Subject.PEOPLE
    comes_first: bool = False
    icon: str = "list"
    searched_everywhere: bool = False
    list_fullwidth = True
    list_per_page = 50
    warn_unsaved_form = True

    def get_list_display(self, request: HttpRequest) -> Any:
        """Show times relative to now."""
        fields = {field.name: field for field in self.opts.get_fields() if isinstance(field, models.DateTimeField)}
        shown = super().get_list_display(request)
        return [times.When(fields[name]) if isinstance(name, str) and name in fields else name for name in shown]

    def found_as(self, row: Any) -> str:
        """Return the name of a row in search results and on confirmation pages."""
        return str(row)

    def first_found(self, rows: QuerySet[Any], most: int) -> list[Any]:
        """Return the rows that the global search shows of those it found."""
        return list(rows[:most])

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Show the form, with unfold's look also for fields that unfold did not make."""
        widgets.style(context["adminform"].form.fields.values())
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, and remove the request that unfold leaves on the admin, which all threads share."""
        try:
            response: HttpResponse = super().changelist_view(request, extra_context)
            return response
        finally:
            self.__dict__.pop("request", None)
