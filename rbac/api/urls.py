"""Addresses below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from rbac.api.views import access, permissions, roles

router = SimpleRouter()
router.register("roles", roles.RoleViewSet, basename="api_role")
router.register("permissions", permissions.PermissionViewSet, basename="api_permission")

urlpatterns = [
    path("access/check/", access.CheckView.as_view(), name="api_access_check"),
    path("access/explain/", access.ExplainView.as_view(), name="api_access_explain"),
    path("", include(router.urls)),
]
