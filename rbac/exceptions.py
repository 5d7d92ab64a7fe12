"""What access refuses."""

from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import NotFoundException


class RoleNotFoundException(NotFoundException):
    """No role has this id."""

    code = "role_not_found"
    message = _("There is no such role.")


class PermissionNotFoundException(NotFoundException):
    """No permission has this id or label."""

    code = "permission_not_found"
    message = _("There is no such permission.")
