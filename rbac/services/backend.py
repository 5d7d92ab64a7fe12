"""The authentication backend: Django's sign-in with e-mail and password, and permissions from roles."""

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.backends import ModelBackend

from rbac.models import CODENAME_SEPARATOR
from rbac.services import decisions
from rbac.services.declarations import declared


class RoleBackend(ModelBackend):
    """Django's ModelBackend, but with permissions only from roles.

    `users:read`, `accounts.view_user` and `users.read` are three names of one permission, so that views, the admin, the
    REST framework's classes and templates (`perms.accounts.view_user`, `perms.users.read`, `"users:read" in perms`)
    get the same result.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return decisions.has(user_obj, perm, obj)

    def scopes_with(self, user_obj: Any, perm: str) -> frozenset[str] | None:
        """Return the scopes in which the user has the permission, for `visible_to`; None means everywhere."""
        return decisions.scopes_with(user_obj, perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        if CODENAME_SEPARATOR in app_label:
            return decisions.has(user_obj, app_label)
        return any(
            name.partition(".")[0] == app_label or name.startswith(f"{app_label}{CODENAME_SEPARATOR}")
            for name in self.get_all_permissions(user_obj)
        )

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        codenames = decisions.codenames_of(user_obj, obj)
        return {*codenames, *(alias for alias, codename in declared().aliases.items() if codename in codenames)}

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return self.get_group_permissions(user_obj, obj)

    async def ahas_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return await sync_to_async(self.has_perm)(user_obj, perm, obj)

    async def ahas_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return await sync_to_async(self.has_module_perms)(user_obj, app_label)

    async def aget_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()

    async def aget_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return await sync_to_async(self.get_group_permissions)(user_obj, obj)

    async def aget_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return await sync_to_async(self.get_all_permissions)(user_obj, obj)
