"""Errors of roles and permissions."""

from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ConflictException, ForbiddenException, NotFoundException


class RoleNotFoundException(NotFoundException):
    """No role has this id."""

    code = "role_not_found"
    message = _("There is no such role.")


class PermissionNotFoundException(NotFoundException):
    """No permission has this id or label."""

    code = "permission_not_found"
    message = _("There is no such permission.")


class HolderNotFoundException(NotFoundException):
    """No user has this id."""

    code = "user_not_found"
    message = _("There is no such user.")


class RoleInUseException(ConflictException):
    """The role is assigned, included or declared in code."""

    message = _("This role is in use.")


class DeclaredPermissionException(ConflictException):
    """The permission is declared in code."""

    message = _("This permission is declared in code; it cannot be deleted.")


class AlreadyExistsException(ConflictException):
    """A role or permission of this name, or the same assignment, exists already."""

    message = _("This is there already.")


class SuperusersOnlyException(ForbiddenException):
    """Only a superuser may act on a superuser or make one."""

    message = _("Only a superuser may do this.")
