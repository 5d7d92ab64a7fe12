"""From registration to the first call of the API."""

import pytest

from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_person_registers_confirms_signs_in_and_calls_the_api(api, link_token):
    registered = api.post("/api/v1/auth/register/", {"email": "Ann@Example.com", "password": PASSWORD})
    assert registered.status_code == 202
    verified = api.post("/api/v1/auth/email/verify/", {"token": link_token("/email/verify/")})
    assert verified.status_code == 204
    tokens = api.post("/api/v1/auth/login/", {"email": "ann@example.com", "password": PASSWORD}).json()
    me = api.get("/api/v1/users/me/", headers={"Authorization": f"Bearer {tokens['access']}"})
    assert me.json()["email"] == "ann@example.com"
    again = api.post("/api/v1/auth/refresh/", {"refresh": tokens["refresh"]})
    assert again.status_code == 200
    assert set(again.json()) == {"access", "refresh", "token_type", "expires_in"}
    assert api.post("/api/v1/auth/logout/", {"refresh": again.json()["refresh"]}).status_code == 204
    assert api.get("/api/v1/users/me/", headers={"Authorization": f"Bearer {tokens['access']}"}).status_code == 401
