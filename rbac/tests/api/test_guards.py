"""Nothing is open by accident."""

import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.urls import include, path
from django.views import View
from rest_framework.decorators import action, api_view
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from accounts.models import User
from foodfleet.core.http.access import PUBLIC, endpoint
from rbac.api.checks import check_views, problems_of
from rbac.api.guards import ActionPermission, require_permission
from rbac.models import resource_permissions

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


def test_every_view_declares_who_may_call_it():
    assert check_views() == []


def test_an_unguarded_view_and_an_unknown_codename_fail_the_check():
    views = [Unguarded, Open, Misnamed, Guarded]
    problems = problems_of([path(view.__name__, view.as_view()) for view in views])
    assert [problem.id for problem in problems] == ["rbac.E001", "rbac.E002"]
    assert "Unguarded" in problems[0].msg
    assert "spaceships:read" in problems[1].msg


class Rooms(GenericViewSet):
    queryset = User.objects.none()

    def list(self, request):
        return Response()

    @action(detail=False)
    def more(self, request):
        return Response()


class OpenedRooms(Rooms):
    permission_classes = [AllowAny]

    @action(detail=False, permission_classes=[])
    def more(self, request):
        return Response()


class GuardedRooms(Rooms):
    @require_permission("users", "read")
    def list(self, request):
        return Response()

    @action(detail=False)
    @require_permission("users", "fly")
    def more(self, request):
        return Response()


@api_view(["GET"])
def unguarded_function(request):
    return Response()


@endpoint(PUBLIC)
def open_page(request):
    return HttpResponse()


def unguarded_page(request):
    return HttpResponse()


def ids(*patterns):
    return [problem.id for problem in problems_of([path("api/v9/", include(list(patterns)))])]


def routed(viewset):
    router = SimpleRouter()
    router.register("rooms", viewset, "room")
    return path("", include(router.urls))


def test_the_check_covers_each_action_of_included_routers():
    assert ids(routed(Rooms)) == ["rbac.E001"]
    assert ids(routed(OpenedRooms)) == ["rbac.E001"]  # an empty list on one action is no choice either
    assert ids(routed(GuardedRooms)) == ["rbac.E002"]  # nobody declares users:fly


def test_the_check_covers_function_views():
    assert ids(path("a/", unguarded_function)) == ["rbac.E001"]
    assert ids(path("a/", unguarded_page)) == ["rbac.E001"]
    assert ids(path("a/", open_page), path("b/", page), path("c/", above), path("d/", below)) == []
    assert [one.id for one in problems_of([path("pages/", unguarded_page)])] == ["rbac.E001"]


@require_permission("users", "read")
def page(request):
    return HttpResponse("in")


@require_permission("users", "read")
class Page(View):
    def get(self, request):
        return HttpResponse("in")


@require_permission("users", "read")
async def async_page(request):
    return HttpResponse("in")


@require_permission("users", "read")
class AsyncPage(View):
    async def get(self, request):
        return HttpResponse("in")


@require_permission("users", "read")
@api_view(["GET"])
def above(request):
    return Response("in")


@api_view(["GET"])
@require_permission("users", "read")
def below(request):
    return Response("in")


PAGES = {"function": page, "class": Page.as_view(), "async-function": async_page, "async-class": AsyncPage.as_view()}
CALLS = {**PAGES, "above": above, "below": below}


class Addresses:
    """The product's addresses, and the guarded views among them, below /api/ and elsewhere."""

    handler403 = "foodfleet.core.http.errors.permission_denied"
    handler500 = "foodfleet.core.http.errors.server_error"
    urlpatterns = [
        *(path(f"{name}/", view) for name, view in PAGES.items()),
        *(path(f"api/{name}/", view) for name, view in CALLS.items()),
        path("", include("foodfleet.urls")),
    ]


@pytest.fixture
def clients(client, async_client, user, settings):
    """A browser of Ann's over WSGI and one over ASGI, where the guarded views stand."""
    settings.ROOT_URLCONF = Addresses
    client.force_login(user)
    async_client.cookies = client.cookies
    return {"wsgi": client.get, "asgi": async_to_sync(async_client.get)}


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
@pytest.mark.parametrize("name", CALLS)
def test_every_kind_of_view_requires_the_permission(clients, server, name, user, allow):
    refused = clients[server](f"/api/{name}/")
    assert (refused.status_code, refused.json()["details"]) == (403, {"missing": ["users:read"]})
    allow(user, "users:read")
    assert clients[server](f"/api/{name}/").status_code == 200


@pytest.mark.parametrize("server", ["wsgi", "asgi"])
@pytest.mark.parametrize("name", CALLS)
def test_every_kind_of_view_requires_sign_in(clients, client, server, name):
    client.cookies.clear()  # the other client's too
    assert clients[server](f"/api/{name}/").status_code == 401
    if name in PAGES:
        assert clients[server](f"/{name}/")["Location"] == f"/login/?next=/{name}/"


def test_sync_permissions_check_fails_until_synchronised():
    call_command("sync_permissions", check=True)
    resource_permissions().filter(codename="users:read").delete()
    with pytest.raises(CommandError):
        call_command("sync_permissions", check=True)
    assert not resource_permissions().filter(codename="users:read").exists()
    call_command("sync_permissions")
    call_command("sync_permissions", check=True)
