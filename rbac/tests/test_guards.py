"""Nothing is open by accident."""

import pytest
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import path
from django.views import View
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from foodfleet.core.exceptions import InsufficientPermissionsException
from rbac.api.checks import check_views, problems_of
from rbac.api.permissions import ActionPermission, require_permission
from rbac.querysets import labelled_permissions

pytestmark = pytest.mark.django_db


class Unguarded(APIView):
    def get(self, request):
        return Response()


class Open(Unguarded):
    permission_classes = [AllowAny]


class Misnamed(Unguarded):
    permission_classes = [ActionPermission]
    access_resource = "spaceships"


@require_permission("users", "read")
class Guarded(APIView):
    def get(self, request):
        return Response()


def test_every_view_of_the_product_says_who_may_call_it():
    assert check_views() == []


def test_a_view_without_a_guard_and_one_with_an_unknown_label_fail_the_check():
    views = [Unguarded, Open, Misnamed, Guarded]
    problems = problems_of([path(view.__name__, view.as_view()) for view in views])
    assert [problem.id for problem in problems] == ["rbac.E001", "rbac.E002"]
    assert "Unguarded" in problems[0].msg
    assert "spaceships:read" in problems[1].msg


@require_permission("users", "read")
def page(request):
    return HttpResponse("in")


@require_permission("users", "read")
class Page(View):
    def get(self, request):
        return HttpResponse("in")


@pytest.mark.parametrize("view", [page, Page.as_view()])
def test_pages_are_guarded_as_functions_and_as_classes(view, user, allow):
    from django.contrib.auth.models import AnonymousUser

    request = RequestFactory().get("/somewhere/")
    request.user = AnonymousUser()
    assert view(request)["Location"] == "/login/?next=/somewhere/"
    request.user = user
    with pytest.raises(InsufficientPermissionsException) as refusal:
        view(request)
    assert refusal.value.details == {"missing": ["users:read"]}
    allow(user, "users:read")
    assert view(request).content == b"in"


def test_sync_permissions_check_fails_until_the_database_is_in_line():
    call_command("sync_permissions", check=True)
    labelled_permissions().filter(codename="users:read").delete()
    with pytest.raises(CommandError):
        call_command("sync_permissions", check=True)
    assert not labelled_permissions().filter(codename="users:read").exists()
    call_command("sync_permissions")
    call_command("sync_permissions", check=True)
