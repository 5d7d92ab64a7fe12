"""URLs below /api/v1/."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from rbac.api import scopes, views

router = SimpleRouter()
router.register("roles", views.RoleViewSet, basename="api_role")
router.register("permissions", views.PermissionViewSet, basename="api_permission")
router.register("scopes", scopes.ScopeViewSet, basename="api_scope")

urlpatterns = [
    path("scopes/<int:scope_id>/members/", scopes.MembersView.as_view(), name="api_scope_members"),
    path("scopes/<int:scope_id>/members/<int:user_id>/", scopes.MemberView.as_view(), name="api_scope_member"),
    path("access/check/", views.CheckView.as_view(), name="api_access_check"),
    path("access/explain/", views.ExplainView.as_view(), name="api_access_explain"),
    path("roles/<int:role_id>/revisions/", views.RoleRevisionsView.as_view(), name="api_role_revisions"),
    path("", include(router.urls)),
]
