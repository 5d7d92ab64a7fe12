"""The challenge of the second step is issued where MFA is on and the browser is not trusted."""

import pytest
from django.utils import timezone

from accounts.exceptions import InvalidCredentialsException
from accounts.models import Challenge, Passkey, TOTPDevice, User
from accounts.services.login import challenge as login_challenge
from accounts.services.mfa import trusted_browsers
from accounts.states import Method
from foodfleet.core.http.clients import Client

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def ann(user):
    """Ann, who has an authenticator app."""
    TOTPDevice.objects.create(user=user, confirmed_at=timezone.now())
    return user


def test_nobody_without_mfa_gets_a_challenge(user):
    TOTPDevice.objects.create(user=user)  # not confirmed: nothing counts yet
    assert login_challenge.issue_if_required(user, Client()) is None
    assert not Challenge.objects.exists()


def test_a_challenge_names_the_methods_and_keeps_its_token_out_of_logs(ann):
    issued = login_challenge.issue_if_required(ann, Client(device_name="Laptop"))
    assert (issued.user, issued.methods, issued.expires_in) == (ann, (Method.TOTP,), 300)
    assert issued.passkey_options is None
    assert issued.challenge not in repr(issued)
    assert Challenge.objects.get().device_name == "Laptop"


def test_a_trusted_browser_gets_none(ann):
    trusted = Client(trusted_browser=trusted_browsers.remember(user=ann, client=Client()))
    assert login_challenge.issue_if_required(ann, trusted) is None
    assert login_challenge.issue_if_required(ann, Client(trusted_browser="another")) is not None


def test_a_challenge_has_the_options_of_the_passkeys_of_its_user(user, make_user):
    for owner, name in ((user, "a2V5"), (make_user("bob@example.com"), "b3RoZXI")):
        Passkey.objects.create(user=owner, credential_id=name, public_key="x", sign_count=0, transports=[])
    issued = login_challenge.issue_if_required(user, Client())
    assert Method.PASSKEY in issued.methods
    assert [known["id"] for known in issued.passkey_options["allowCredentials"]] == ["a2V5"]
    assert issued.passkey_options["userVerification"] == "preferred"


@pytest.mark.parametrize("changed", [{"password": "!"}, {"locked_at": timezone.now()}])
def test_an_account_that_changed_since_the_password_gets_none(ann, changed):
    User.objects.filter(pk=ann.pk).update(**changed)
    with pytest.raises(InvalidCredentialsException):
        login_challenge.issue_if_required(ann, Client())
    assert not Challenge.objects.exists()
