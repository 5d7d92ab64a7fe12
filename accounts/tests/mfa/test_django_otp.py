"""What an app that uses django-otp can rely on: devices, `is_verified()` and `otp_required`."""

from concurrent.futures import ThreadPoolExecutor

import django_otp
import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from django.utils import timezone
from django_otp.decorators import otp_required
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import BackupCode, Passkey, Session, TOTPDevice, backup_codes
from accounts.models.mfa import code_attempts_key
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD
from foodfleet.core.cache import rate_limits
from foodfleet.core.http.access import PUBLIC, declare

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


class VerifiedView(APIView):
    """A view of another app's API."""

    def get(self, request):
        return Response({"verified": request.user.is_verified()})


urlpatterns = [
    path("other-app/", declare(PUBLIC, otp_required(lambda request: HttpResponse("secret")))),
    path("other-app/plain/", declare(PUBLIC, lambda request: HttpResponse(request.user.email))),
    path("api/other-app/", VerifiedView.as_view()),
    path("", include("foodfleet.urls")),
]


@pytest.fixture(autouse=True)
def _urls(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def device(user):
    return TOTPDevice.objects.create(user=user, secret=TOTPDevice.encrypt_secret(SECRET), confirmed_at=timezone.now())


@pytest.fixture
def codes(user, device):
    codes = backup_codes.generate_codes()[:2]
    BackupCode.objects.bulk_create([BackupCode(user=user, hash=value) for value in backup_codes.hash_codes(codes)])
    return codes


def signed_in(device=None):
    browser = Browser()
    browser.post("/login/", {"email": "ann@example.com", "password": PASSWORD})
    if device is not None:
        browser.post("/login/verify/", {"code": app_code(SECRET), "method": "totp"})
    return browser


def test_otp_required_admits_a_session_that_passed_mfa(user, device):
    browser = signed_in(device)
    assert browser.get("/other-app/").content == b"secret"


def test_otp_required_sends_a_session_without_mfa_to_reauthentication(user):
    answer = signed_in().get("/other-app/")
    assert (answer.status_code, answer.url) == (302, "/account/reauthenticate/?next=/other-app/")


def test_otp_required_refuses_an_anonymous_caller(user):
    assert Browser().get("/other-app/").status_code == 302


def test_otp_required_refuses_a_session_that_has_ended(user, device):
    browser = signed_in(device)
    Session.objects.update(ended_at=timezone.now())
    assert browser.get("/other-app/").status_code == 302


def test_otp_required_refuses_a_session_whose_mfa_was_reset(user, device):
    browser = signed_in(device)
    Session.objects.update(mfa_passed_at=None)
    assert browser.get("/other-app/").status_code == 302


def test_a_request_that_does_not_ask_is_verified_pays_no_query(user, device):
    browser = signed_in(device)
    with CaptureQueriesContext(connection) as queries:
        assert browser.get("/other-app/plain/").content == b"ann@example.com"
    assert not [query["sql"] for query in queries if 'mfa_passed_at" IS NOT NULL' in query["sql"]]
    assert not [query["sql"] for query in queries if "totpdevice" in query["sql"]]


@pytest.mark.parametrize("passed", [True, False])
def test_is_verified_tells_a_bearer_token_whether_its_session_passed_mfa(user, api, sign_in, passed):
    headers = {"Authorization": f"Bearer {sign_in()['access']}"}
    Session.objects.update(mfa_passed_at=timezone.now() if passed else None)
    assert api.get("/api/other-app/", headers=headers).json() == {"verified": passed}


def test_all_methods_are_devices_of_the_user(user, codes, device):
    key = Passkey.objects.create(user=user, name="Key", credential_id="1", public_key="1")
    found = set(django_otp.devices_for_user(user))
    assert found == {device, key, BackupCode.objects.order_by("pk").first()}
    assert django_otp.user_has_device(user)


def test_a_passkey_accepts_no_token(user):
    key = Passkey.objects.create(user=user, name="Key", credential_id="1", public_key="1")
    assert not key.verify_token("123456")


def test_django_otp_verifies_a_totp_code_once(user, device):
    code = app_code(SECRET)
    assert django_otp.verify_token(user, device.persistent_id, code) == device
    assert django_otp.verify_token(user, device.persistent_id, code) is None


def test_django_otp_does_not_verify_with_a_device_that_is_not_confirmed(user, device):
    TOTPDevice.objects.update(confirmed_at=None)
    assert django_otp.verify_token(user, device.persistent_id, app_code(SECRET)) is None


def test_django_otp_verifies_each_backup_code_once(user, codes):
    first, second = codes
    for code in (second, first):
        assert django_otp.match_token(user, code) is not None
        assert django_otp.match_token(user, code) is None


def test_a_code_verified_concurrently_through_django_otp_serves_once(user, device):
    code = app_code(SECRET)

    def verify(_):
        try:
            return TOTPDevice.objects.get().verify_token(code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(verify, range(8))) == 1


def test_wrong_codes_through_django_otp_count_towards_the_wait(user, device):
    for _ in range(10):
        assert not device.verify_token("000000")
    assert rate_limits.attempts(code_attempts_key(user)).count == 10
    allowed, details = device.verify_is_allowed()
    assert (allowed, details["failure_count"]) == (False, 10)
    assert not device.verify_token(app_code(SECRET))
