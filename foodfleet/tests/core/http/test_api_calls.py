"""The short path of API calls, and who does not take it."""

import pytest
from django.http import HttpResponse
from django.urls import include, path
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from foodfleet.core.http.access import PUBLIC, SIGNED_IN, endpoint


class WhoView(APIView):
    access = PUBLIC
    permission_classes = [AllowAny]

    def get(self, request):
        sees = {"session": hasattr(request._request, "session"), "verified": request.user.is_verified()}
        return Response({**sees, "language": request.LANGUAGE_CODE, "user": request.user.pk})


@endpoint(SIGNED_IN)
def django_view(request):
    return HttpResponse("only for who is signed in")


urlpatterns = [
    path("api/v1/who/", WhoView.as_view()),
    path("api/v1/django/", django_view),
    path("", include("foodfleet.urls")),
]
WHO, DJANGO = "/api/v1/who/", "/api/v1/django/"


@pytest.fixture(autouse=True)
def urls(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def bearer(user, sign_in):
    return {"Authorization": f"Bearer {sign_in()['access']}"}


@pytest.fixture
def browser(client, user):
    client.force_login(user)
    return client


def test_a_call_with_a_token_has_no_session(client, user, bearer):
    assert client.get(WHO, headers=bearer).json() == {
        "session": False, "verified": False, "language": "en", "user": user.pk,
    }  # fmt: skip


def test_a_token_counts_even_beside_the_cookie_of_another_user(client, make_user, bearer, user):
    client.force_login(make_user("bea@example.com"))
    answer = client.get(WHO, headers=bearer).json()
    assert (answer["user"], answer["session"]) == (user.pk, False)


def test_a_call_with_a_session_cookie_has_its_session(browser, user):
    answer = browser.get(WHO).json()
    assert (answer["user"], answer["session"]) == (user.pk, True)


def test_another_scheme_than_bearer_does_not_hide_the_session(browser, user):
    assert browser.get(WHO, headers={"Authorization": "Basic YTpi"}).json()["user"] == user.pk


@pytest.mark.django_db
def test_a_caller_who_is_not_signed_in_is_not_verified(client):
    answer = client.get(WHO).json()
    assert (answer["user"], answer["verified"]) == (None, False)


@pytest.mark.django_db
def test_an_answer_of_the_api_has_the_security_headers_of_a_page(client):
    answer, page = client.get("/api/v1/users/me/"), client.get("/login/")
    names = {
        "Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "Referrer-Policy",
        "Cross-Origin-Opener-Policy", "Content-Language", "X-Request-ID", "Cache-Control",
    }  # fmt: skip
    assert names <= set(answer.headers)
    assert names - {"Cache-Control"} <= set(page.headers)
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer["Cache-Control"] == "no-store"
    assert "Accept-Language" in answer["Vary"]


@pytest.mark.django_db
def test_an_error_is_in_the_language_that_the_caller_asks_for(client):
    german = client.get("/api/v1/users/me/", headers={"Accept-Language": "de"})
    english = client.get("/api/v1/users/me/")
    assert german.json()["error"] != english.json()["error"]
    assert (german["Content-Language"], english["Content-Language"]) == ("de", "en")


def test_a_django_view_under_the_api_stays_closed_to_a_token(client, bearer):
    for headers in ({}, bearer):
        assert client.get(DJANGO, headers=headers).status_code == 302


def test_a_django_view_under_the_api_opens_to_a_session(browser):
    assert browser.get(DJANGO).status_code == 200


def test_a_call_with_a_session_cookie_needs_the_csrf_token(user):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    assert strict.patch("/api/v1/users/me/", {}, content_type="application/json").status_code == 403


@pytest.mark.django_db
def test_a_browser_that_opens_the_documentation_gets_the_policy_of_pages(client):
    answer = client.get("/api/v1/docs/", headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 200
    assert "default-src 'self'" in answer["Content-Security-Policy"]


def test_a_call_by_plain_http_is_redirected_where_https_is_required(settings, client, bearer):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get(WHO, headers=bearer).status_code == 301
