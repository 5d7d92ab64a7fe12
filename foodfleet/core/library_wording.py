"""Sentences of Django and the REST framework whose translations ours replace: `make messages` finds them here.

The project's catalogues come before those of libraries; some of theirs are formal or misspelt where ours are not.
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
