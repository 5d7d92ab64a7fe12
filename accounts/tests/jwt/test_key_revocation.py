"""A signing key that leaked is withdrawn: its tokens are refused at once, its sessions end, and it is written down."""

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import RefreshToken, SecurityEvent, Session, SigningKey
from accounts.services.jwt import keyring
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
ME, REFRESH, JWKS = "/api/v1/users/me/", "/api/v1/auth/refresh/", "/.well-known/jwks.json"


@pytest.fixture(params=["HS256", "EdDSA", "ES256", "RS256", "a file", "HS256 in the database"])
def origin(request, settings, tmp_path):
    """Where the key that signs comes from."""
    settings.JWT_SIGNING_ALGORITHM = "EdDSA" if request.param == "a file" else request.param.split()[0]
    if request.param == "a file":
        path = tmp_path / "key.pem"
        made = ed25519.Ed25519PrivateKey.generate()
        path.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        settings.JWT_PRIVATE_KEY_FILES = [path]
    if request.param == "HS256 in the database":
        call_command("rotate_jwt_keys", verbosity=0)
    return request.param


def kid(token):
    return jwt.get_unverified_header(token)["kid"]


def me(api, pair):
    return api.get(ME, headers={"Authorization": f"Bearer {pair['access']}"}).status_code


def revoke(*kids):
    """As an operator does it: in another process, of which this one hears nothing."""
    stale = keyring._loaded
    call_command("rotate_jwt_keys", "--revoke", *kids, verbosity=0)
    keyring._loaded = stale


def test_tokens_of_a_revoked_key_are_refused_at_the_next_request(origin, user, sign_in, api):
    pair = sign_in()
    assert me(api, pair) == 200
    revoke()
    assert me(api, pair) == 401
    assert api.post(REFRESH, {"refresh": pair["refresh"]}).status_code == 401
    assert kid(pair["access"]) not in {key["kid"] for key in api.get(JWKS).json()["keys"]}
    assert list(Session.objects.values_list("end_reason", flat=True)) == ["key_revoked"]


def test_a_process_that_knows_the_old_key_signs_with_the_new_one(origin, user, sign_in, api):
    old = sign_in()
    revoke()
    new = sign_in()
    assert kid(new["access"]) == kid(new["refresh"]) != kid(old["access"])
    assert me(api, new) == 200
    assert api.post(REFRESH, {"refresh": new["refresh"]}).status_code == 200


def test_a_token_forged_with_the_revoked_key_opens_no_session(origin, user, sign_in, api):
    key = keyring.signing_key()
    sign_in()
    revoke()
    new = sign_in()
    claims = jwt.decode(new["access"], options={"verify_signature": False})
    forged = jwt.encode(claims, key.secret, algorithm=key.algorithm, headers={"kid": key.kid})
    stale = keyring._loaded
    for keyring._loaded in (stale, None):
        assert me(api, {"access": forged}) == 401
    assert me(api, new) == 200


def test_only_sessions_whose_newest_token_the_key_signed_end(settings, user, sign_in, api):
    settings.JWT_SIGNING_ALGORITHM = "EdDSA"
    old, moved = sign_in(), sign_in()
    call_command("rotate_jwt_keys", verbosity=0)
    moved = api.post(REFRESH, {"refresh": moved["refresh"]}).json()
    new = sign_in()
    revoke(kid(old["access"]))
    assert [me(api, pair) for pair in (old, moved, new)] == [401, 200, 200]
    assert Session.objects.filter(ended_at__isnull=False).count() == 1


def test_sessions_of_an_unrecorded_key_end(user, sign_in):
    sign_in()
    RefreshToken.objects.update(kid="")
    revoke()
    assert Session.objects.get().end_reason == "key_revoked"


def test_a_browser_whose_session_the_key_signed_is_signed_out(user, client):
    client.post("/login/", {"email": user.email, "password": PASSWORD})
    assert client.get("/account/").status_code == 200
    revoke()
    assert client.get("/account/").status_code == 302


def test_a_revocation_is_recorded_for_staff_and_for_each_owner(user, make_user, sign_in):
    sign_in(), sign_in()
    revoked = keyring.signing_key().kid
    revoke()
    recorded = (
        SecurityEvent.objects.exclude(kind="signed_in").order_by("pk").values_list("kind", "user", "details__kid")
    )
    assert list(recorded) == [
        ("key_rotated", None, SigningKey.objects.newest_first().usable(timezone.now())[0].kid),
        ("key_revoked", None, revoked),
        ("sessions_ended", user.pk, revoked),
    ]


def test_revoking_again_does_no_harm_and_an_unknown_key_is_named(user, sign_in, api):
    old = keyring.signing_key().kid
    revoke()
    pair = sign_in()
    revoke(old)
    assert me(api, pair) == 200
    with pytest.raises(CommandError, match="There is no key 0123456789abcdef"):
        revoke("0123456789abcdef")


def test_the_secret_of_a_revoked_key_is_erased(settings, user):
    settings.JWT_SIGNING_ALGORITHM = "EdDSA"
    revoked = keyring.signing_key().kid
    revoke()
    assert SigningKey.objects.get(kid=revoked).secret_ciphertext == ""
