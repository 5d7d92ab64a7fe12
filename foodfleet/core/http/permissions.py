"""The REST framework's default permission; alone in its module, because `rest_framework.views` imports it."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from foodfleet.core.http.access import Caller, access_of


class AccessPermission(BasePermission):
    """Let callers who are not signed in use public views only, as `access` declares it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return access_of(view).caller is Caller.ANYONE or bool(request.user and request.user.is_authenticated)
