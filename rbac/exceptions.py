"""Exceptions of roles, permissions and scopes."""

from django.utils.translation import gettext_lazy as _

from foodfleet.core.exceptions import ConflictException, ForbiddenException, NotFoundException


class RoleNotFoundException(NotFoundException):
    """No role has this id."""

    code = "role_not_found"
    message = _("There is no such role.")


class PermissionNotFoundException(NotFoundException):
    """No permission has this id or codename."""

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

    message = _("This exists already.")


class SuperusersOnlyException(ForbiddenException):
    """Only a superuser may act on a superuser or make another user one."""

    message = _("Only a superuser may do this.")


class EqualPowerException(ForbiddenException):
    """The other user has the same permissions."""

    message = _("This user has the same permissions as you.")


class ScopeNotFoundException(NotFoundException):
    """No scope has this id."""

    code = "scope_not_found"
    message = _("There is no such scope.")


class MemberNotFoundException(NotFoundException):
    """The user does not belong to the scope."""

    code = "member_not_found"
    message = _("The user is not a member of this scope.")


class ScopeInUseException(ConflictException):
    """The scope has members, live assignments or scopes below it; `details` counts them."""

    message = _("This scope is in use: it still has members, roles assigned in it, or scopes below it.")
