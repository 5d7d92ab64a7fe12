"""Trucks over the API."""

import pytest

from accounts.models import SecurityEvent

pytestmark = pytest.mark.django_db
PATH = "/api/v1/trucks/"
HERE, ELSEWHERE = "fleet:12", "fleet:13"


@pytest.fixture
def manager(api, user, allow):
    """The API's client as somebody who may see and add trucks of one fleet."""
    allow(user, "trucks:read", "trucks:create", scope=HERE)
    api.force_authenticate(user)
    return api


def test_a_truck_is_added_to_a_fleet_and_listed(manager, user):
    added = manager.post(PATH, {"name": "Harbour 1", "scope": HERE})
    assert added.status_code == 201, added.json()
    assert manager.get(PATH).json()["results"] == [added.json()]
    assert SecurityEvent.objects.get(kind="truck_added").actor == user


def test_nobody_adds_a_truck_to_a_fleet_of_others(manager):
    assert manager.post(PATH, {"name": "Harbour 1", "scope": ELSEWHERE}).status_code == 403


def test_a_name_is_used_once_in_a_fleet(manager):
    manager.post(PATH, {"name": "Harbour 1", "scope": HERE})
    again = manager.post(PATH, {"name": "Harbour 1", "scope": HERE})
    assert (again.status_code, again.json()["code"]) == (409, "truck_exists")


def test_a_fleet_has_at_most_as_many_trucks_as_the_settings_allow(manager, settings):
    settings.MOST_TRUCKS_OF_A_FLEET = 1
    manager.post(PATH, {"name": "Harbour 1", "scope": HERE})
    refused = manager.post(PATH, {"name": "Harbour 2", "scope": HERE})
    assert (refused.status_code, refused.json()["code"]) == (409, "fleet_full")


def test_the_page_of_sign_in_comes_from_the_package(client):
    assert "FoodFleet" in client.get("/login/").content.decode()
