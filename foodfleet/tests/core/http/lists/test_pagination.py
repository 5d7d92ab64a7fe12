"""Keyset pagination: every row once, in both directions, whatever comes and goes between two pages."""

import json
from base64 import urlsafe_b64encode

import pytest
from django.urls import path
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny

from accounts.models import User
from foodfleet import urls

pytestmark = [pytest.mark.django_db, pytest.mark.both]


def made(*values):
    """A cursor as somebody who knows its form would write one."""
    return urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


class RowSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ["id", "email", "first_name"]


class RowsView(ListAPIView):
    queryset = User.objects.all()
    serializer_class = RowSerializer
    permission_classes = [AllowAny]
    ordering_fields = ["first_name", "email", "created_at", "id"]
    ordering = "-created_at"


class Urlconf:
    urlpatterns = [path("api/v1/rows/", RowsView.as_view()), *urls.urlpatterns]


@pytest.fixture(autouse=True)
def rows(settings):
    settings.ROOT_URLCONF = Urlconf
    # Three names for 25 rows: ties, which a page may cut through.
    return User.objects.bulk_create(
        User(email=f"user{number}@example.com", first_name="ABC"[number % 3], password="!") for number in range(25)
    )


def walk(client, address, link="next"):
    """The pages from `address` on, following one kind of link."""
    pages = []
    while address:
        body = client.get(address).json()
        pages.append(body)
        address = body[link]
        assert len(pages) < 50
    return pages


@pytest.mark.parametrize("ordering", ["first_name", "-first_name", "email", "-created_at", "created_at", "id", "-id"])
@pytest.mark.parametrize("size", [1, 7, 25, 100])
def test_every_row_comes_once_in_order(client, ordering, size):
    seen = [
        row for page in walk(client, f"/api/v1/rows/?ordering={ordering}&page_size={size}") for row in page["results"]
    ]
    descending, field = ordering.startswith("-"), ordering.removeprefix("-")
    prefix = "-" if descending else ""
    expected = User.objects.order_by(ordering, f"{prefix}pk").values_list("pk", flat=True)
    assert [row["id"] for row in seen] == list(expected), field


@pytest.mark.parametrize("ordering", ["first_name", "-email", "-id"])
def test_going_back_shows_the_same_pages(client, ordering):
    forward = walk(client, f"/api/v1/rows/?ordering={ordering}&page_size=4")
    backward = walk(client, forward[-1]["previous"], "previous")
    assert [page["results"] for page in reversed(backward)] == [page["results"] for page in forward[:-1]]


def test_the_first_page_has_no_previous_and_the_last_no_next(client):
    pages = walk(client, "/api/v1/rows/?page_size=10")
    assert (pages[0]["previous"], pages[-1]["next"]) == (None, None)


def test_a_row_inserted_between_two_pages_shifts_no_page(client):
    first = client.get("/api/v1/rows/?ordering=email&page_size=10").json()
    User.objects.bulk_create([User(email="aaa@example.com", password="!")])
    second = client.get(first["next"]).json()
    assert not {row["id"] for row in first["results"]} & {row["id"] for row in second["results"]}
    assert second["results"][0]["email"] > first["results"][-1]["email"]


def test_filters_stay_in_the_links(client):
    assert "page_size=10" in client.get("/api/v1/rows/?page_size=10").json()["next"]


def test_a_page_has_twenty_rows_by_default(client):
    assert len(client.get("/api/v1/rows/").json()["results"]) == 20


@pytest.mark.parametrize("size", ["0", "101", "-1", "x", "1.5", "٣", "99999999999999999999", " 5"])
def test_a_wrong_page_size_is_422_and_says_what_it_may_be(client, size):
    response = client.get("/api/v1/rows/", {"page_size": size})
    assert response.status_code == 422
    assert "1" in response.json()["details"]["page_size"][0]["message"]


@pytest.mark.parametrize("ordering", ["password", "-password", "groups__name", "?", "first_name,email"])
def test_an_unknown_ordering_is_422(client, ordering):
    response = client.get("/api/v1/rows/", {"ordering": ordering})
    assert response.status_code == 422
    assert "ordering" in response.json()["details"]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "ü",
        "e30",
        "bnVsbA",
        "WzFd",
        "WyItY3JlYXRlZF9hdCIsMCwibm8iLDFd",
        "A" * 5000,
        "WyItY3JlYXRlZF9hdCIsMCxudWxsLG51bGxd",
        made("-created_at", 0, "0001-01-01T00:00:00+14:00", 1),
        made("-created_at", 0, "9999-12-31T23:59:59-14:00", 1),
        made("-created_at", 0, "2026-01-01T00:00:00", 1),
    ],
)
def test_a_foreign_cursor_is_400(client, cursor):
    response = client.get("/api/v1/rows/", {"cursor": cursor})
    assert (response.status_code, response.json()["code"]) == (400, "malformed_request")


def test_a_cursor_of_another_ordering_is_400(client):
    from urllib.parse import parse_qs, urlsplit

    link = client.get("/api/v1/rows/?ordering=email&page_size=2").json()["next"]
    cursor = parse_qs(urlsplit(link).query)["cursor"][0]
    assert client.get("/api/v1/rows/", {"ordering": "first_name", "cursor": cursor}).status_code == 400
