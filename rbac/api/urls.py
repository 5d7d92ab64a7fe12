"""URLs below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from rbac.api import views

router = SimpleRouter()
router.register("roles", views.RoleViewSet, basename="api_role")
router.register("permissions", views.PermissionViewSet, basename="api_permission")

urlpatterns = [
    path("access/check/", views.CheckView.as_view(), name="api_access_check"),
    path("access/explain/", views.ExplainView.as_view(), name="api_access_explain"),
    path("", include(router.urls)),
]
