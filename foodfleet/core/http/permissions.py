"""The REST framework's default permission, in its own module because `rest_framework.views` imports it."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from foodfleet.core.http.access import Caller, access_of


class AccessPermission(BasePermission):
    """Allows callers who are not signed in only on views that `access` declares public."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return access_of(view).caller is Caller.ANYONE or bool(request.user and request.user.is_authenticated)
