"""Texts of libraries that our catalogues translate: `make messages` finds them here.

The project's catalogues override those of libraries. Some translations of Django and the REST framework are formal or
misspelt, and unfold has none.
"""

from django.utils.translation import gettext_noop as _

REPLACED = (
    _("This field is required."),
    _("Enter a valid email address."),
    _("Enter a valid IPv4 or IPv6 address."),
    _("This password is too common."),
    _("Your password can’t be a commonly used password."),
    _("The password is too similar to the %(verbose_name)s."),
    _("Your password can’t be too similar to your other personal information."),
    _("You do not have permission to perform this action."),
)

OF_UNFOLD = (
    _("Expand row"),
    _("Go back"),
    _("General"),
    _("Loading more results..."),
    _("No results matching your query"),
    _("Select action"),
    _("Select action to run"),
    _("Select all rows"),
    _("Select record"),
    _("Select value"),
    _("Type to search"),
)
