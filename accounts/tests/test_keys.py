"""Keys that sign tokens: rotated, published, and nobody logged out."""

import jwt
import pytest
from django.core.management import call_command

from accounts.services import keys

pytestmark = pytest.mark.django_db
ME, REFRESH, JWKS = "/api/v1/users/me/", "/api/v1/auth/refresh/", "/.well-known/jwks.json"


@pytest.fixture(autouse=True)
def _own_keys():
    keys.forget()
    yield
    keys.forget()


@pytest.mark.parametrize("algorithm", ["HS256", "EdDSA", "ES256", "RS256"])
def test_a_rotation_logs_nobody_out_and_other_processes_see_it(algorithm, user, sign_in, api, settings):
    settings.JWT_SIGNING_ALGORITHM = algorithm
    call_command("rotate_jwt_keys", verbosity=0)
    before = sign_in()
    stale = keys._loaded
    call_command("rotate_jwt_keys", verbosity=0)
    after = sign_in()
    keys._loaded = stale  # a process that knows the old key alone
    assert jwt.get_unverified_header(before["access"])["kid"] != jwt.get_unverified_header(after["access"])["kid"]
    for pair in (after, before):
        assert api.get(ME, headers={"Authorization": f"Bearer {pair['access']}"}).status_code == 200
        assert api.post(REFRESH, {"refresh": pair["refresh"]}).status_code == 200
    published = api.get(JWKS).json()["keys"]
    assert len(published) == (0 if algorithm == "HS256" else 2)
    assert not any("d" in key for key in published)
    if published:
        known = jwt.PyJWKSet.from_dict({"keys": published})[jwt.get_unverified_header(after["access"])["kid"]]
        claims = jwt.decode(after["access"], known, algorithms=[algorithm], audience="foodfleet")
        assert claims["type"] == "access"
