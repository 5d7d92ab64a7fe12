"""The MFA methods of a user: offered in one order, removed together."""

import pytest
from django.utils import timezone

from accounts.models import BackupCode, Passkey, Session, TOTPDevice, TrustedBrowser
from accounts.services.mfa import methods, trusted_browsers
from accounts.states import Method
from foodfleet.core.http.clients import Client

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def add_app(user, **fields):
    return TOTPDevice.objects.create(user=user, **fields)


def add_passkey(user, **fields):
    return Passkey.objects.create(
        user=user, credential_id=f"key of {user.pk}", public_key="x", sign_count=0, transports=[], **fields
    )


def test_backup_codes_and_a_phone_alone_are_no_mfa(make_user):
    user = make_user(phone="+4915112345678", phone_verified_at=timezone.now())
    methods.replace_backup_codes(user, ["one"])
    add_app(user)  # not confirmed
    assert (methods.is_enabled(user), methods.methods_of(user)) == (False, ())


def test_methods_are_offered_in_one_order(make_user, settings):
    settings.SECOND_FACTOR_SMS = True
    user = make_user(phone="+4915112345678", phone_verified_at=timezone.now())
    add_passkey(user)
    methods.replace_backup_codes(user, ["one"])
    add_app(user, confirmed_at=timezone.now())
    assert methods.is_enabled(user)
    assert methods.methods_of(user) == tuple(Method)


def test_used_backup_codes_are_not_offered(user):
    add_app(user, confirmed_at=timezone.now())
    methods.replace_backup_codes(user, ["one", "two"])
    assert methods.backup_codes_left(user) == 2
    BackupCode.objects.update(consumed_at=timezone.now())
    assert (methods.backup_codes_left(user), methods.methods_of(user)) == (0, (Method.TOTP,))


def test_new_backup_codes_replace_all_former_ones_of_this_user_alone(user, make_user):
    bob = make_user("bob@example.com")
    for owner in (user, bob):
        methods.replace_backup_codes(owner, ["one", "two"])
    methods.replace_backup_codes(user, ["three"])
    assert list(BackupCode.objects.of(user).values_list("hash", flat=True)) == ["three"]
    assert methods.backup_codes_left(bob) == 2


@pytest.fixture
def protected_twice(user, make_user):
    """Ann and Bob, each with an app, a passkey, a backup code, a trusted browser and a session that passed MFA."""
    bob = make_user("bob@example.com", phone="+4915112345678", phone_verified_at=timezone.now())
    for owner in (user, bob):
        add_app(owner, confirmed_at=timezone.now())
        add_passkey(owner, passwordless=True)
        methods.replace_backup_codes(owner, ["one"])
        trusted_browsers.remember(user=owner, client=Client())
        now = timezone.now()
        Session.objects.create(user=owner, expires_at=now, mfa_passed_at=now)
    return user, bob


def test_everything_is_removed_of_one_user_and_no_session_has_passed(protected_twice):
    ann, bob = protected_twice
    methods.remove_all(bob)
    assert methods.methods_of(bob) == ()
    assert not TrustedBrowser.objects.of(bob).exists()
    assert Session.objects.of(bob).get().mfa_passed_at is None
    assert methods.methods_of(ann) == (Method.TOTP, Method.BACKUP_CODE, Method.PASSKEY)
    assert Session.objects.of(ann).get().mfa_passed_at is not None


def test_after_a_compromise_mfa_stays_on_and_nothing_replaces_the_password(protected_twice):
    ann, bob = protected_twice
    methods.limit_after_compromise(bob)
    bob.refresh_from_db()
    assert methods.is_enabled(bob)
    assert bob.phone_verified_at is None
    assert not Passkey.objects.of(bob).get().passwordless
    assert not TrustedBrowser.objects.of(bob).exists()
    assert Passkey.objects.of(ann).get().passwordless
