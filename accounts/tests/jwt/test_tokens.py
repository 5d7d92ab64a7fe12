"""What stands in the tokens, read with PyJWT alone, and what they cost."""

import time
import uuid
from datetime import timedelta

import jwt
import pytest
from django.conf import settings
from django.test import RequestFactory
from django.utils import timezone
from rest_framework.request import Request
from rest_framework_simplejwt.tokens import AccessToken as SimpleJwtAccessToken

from accounts.api.authentication import BearerAuthentication
from accounts.models import RefreshToken, Session
from accounts.services.jwt import keys as jwt_keys
from conftest import bearer
from foodfleet.tests.core.cache import leases

ME, REFRESH = "/api/v1/users/me/", "/api/v1/auth/refresh/"
COMMON = {"sub", "type", "exp", "iat", "jti", "iss", "aud", "sid"}
ANSWER_SECONDS = 60  # that a sign-in may take on a busy machine

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def decoded():
    """Claims as any other program reads them that was given the secret: none of our code helps."""
    secret = jwt_keys.derived(settings.SECRET_KEY).secret

    def read(token):
        return jwt.decode(token, secret, algorithms=["HS256"], audience="foodfleet", issuer=settings.PUBLIC_URL)

    return read


@pytest.mark.parametrize(
    ("kind", "more", "lasts"),
    [("access", {"email", "auth_time", "amr", "acr"}, timedelta(minutes=30)), ("refresh", set(), timedelta(days=7))],
)
def test_the_claims_are_those_of_the_contract(user, sign_in, decoded, kind, more, lasts):
    pair = sign_in()
    claims = decoded(pair[kind])
    assert set(claims) == COMMON | more
    assert (claims["sub"], claims["type"], claims.get("email", user.email)) == (str(user.pk), kind, user.email)
    assert uuid.UUID(claims["sid"]) == Session.objects.get().pk
    assert claims["exp"] - claims["iat"] == lasts.total_seconds()
    assert abs(time.time() - claims["iat"]) < ANSWER_SECONDS
    assert jwt.get_unverified_header(pair[kind]).keys() == {"alg", "typ", "kid"}


def test_expires_in_says_how_long_the_access_token_lasts(user, sign_in, decoded, api):
    pair = sign_in()
    for answer in (pair, api.post(REFRESH, {"refresh": pair["refresh"]}).json()):
        claims = decoded(answer["access"])
        assert answer["expires_in"] == claims["exp"] - claims["iat"] == 1800
        assert answer["token_type"] == "Bearer"


def test_no_two_tokens_have_the_same_jti(user, sign_in, decoded, api):
    first = sign_in()
    second = api.post(REFRESH, {"refresh": first["refresh"]}).json()
    assert len({decoded(pair[kind])["jti"] for pair in (first, second) for kind in ("access", "refresh")}) == 4


def test_the_database_knows_no_refresh_token_by_its_words(user, sign_in, settings):
    settings.REFRESH_GRACE_SECONDS = 30
    pair = sign_in()
    [row] = RefreshToken.objects.values()
    assert pair["refresh"] not in map(str, row.values())
    assert pair["refresh"].rpartition(".")[2] not in str(row)


@pytest.mark.redis
def test_a_cached_user_takes_no_query(user, allow, sign_in, api, django_assert_num_queries):
    allow(user, "users:read")
    pair = sign_in()
    api.get(ME, headers=bearer(pair))
    leases.wait_for_lease()
    assert api.get(ME, headers=bearer(pair)).status_code == 200
    with django_assert_num_queries(0), leases.no_round_trips():
        answer = api.get(ME, headers=bearer(pair))
    assert answer.json()["permissions"] == ["users:read"]


def test_an_access_token_lasts_its_thirty_minutes_and_no_longer(user, sign_in, api, monkeypatch):
    from accounts.services.jwt import tokens

    pair = sign_in()
    for minutes, status in ((29, 200), (31, 401)):
        later = time.time() + minutes * 60
        monkeypatch.setattr(tokens, "time", lambda later=later: later)
        assert api.get(ME, headers=bearer(pair)).status_code == status


def test_a_session_ends_at_its_last_day_however_much_it_is_used(user, sign_in, api, settings):
    settings.SESSION_MAX_DAYS = 3
    pair = sign_in()
    session = Session.objects.get()
    assert abs(session.expires_at - timezone.now() - timedelta(days=3)) < timedelta(seconds=ANSWER_SECONDS)
    end = session.expires_at
    for _ in range(2):
        pair = api.post(REFRESH, {"refresh": pair["refresh"]}).json()
    session.refresh_from_db()
    assert session.expires_at == end
    assert jwt.decode(pair["refresh"], options={"verify_signature": False})["exp"] <= end.timestamp()
    Session.objects.update(expires_at=timezone.now())
    assert api.post(REFRESH, {"refresh": pair["refresh"]}).status_code == 401


def test_a_refresh_token_of_simplejwt_gives_an_access_token_that_works(user, sign_in, api):
    from accounts.services.jwt import tokens

    pair = sign_in()
    access = tokens.RefreshToken(pair["refresh"]).access_token
    assert api.get(ME, headers={"Authorization": f"Bearer {access}"}).status_code == 200


@pytest.mark.once
@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
def test_the_name_of_the_scheme_is_read_in_any_case(user, sign_in, api, scheme):
    assert api.get(ME, headers={"Authorization": f"{scheme} {sign_in()['access']}"}).status_code == 200


def test_simplejwts_methods_find_the_session_and_its_user(user, sign_in):
    pair = sign_in()
    authentication = BearerAuthentication()
    token = authentication.get_validated_token(pair["access"].encode())
    assert isinstance(token, SimpleJwtAccessToken)
    assert (authentication.get_user(token), token["email"]) == (user, user.email)
    assert authentication.get_session(token) == Session.objects.get()


@pytest.mark.once
@pytest.mark.parametrize("header", ["", "Basic YTpi", "Token abc", "Bearerabc"])
def test_another_scheme_is_left_to_other_authentication(header):
    request = Request(RequestFactory().get(ME, headers={"Authorization": header}))
    assert BearerAuthentication().authenticate(request) is None
