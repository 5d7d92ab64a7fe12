"""The pages that people use in a browser, by Django's test client."""

import pytest
from django.test import Client as Browser
from django.utils import timezone

from accounts.models import TOTPDevice, User
from accounts.services.mfa import totp
from accounts.tests.authenticator_app import app_code
from conftest import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)
NEW_PASSWORD = "Another-Grill-2027!"


def login(browser, password=PASSWORD, **more):
    return browser.post("/login/", {"email": "ann@example.com", "password": password, **more})


@pytest.fixture
def ann(client, user):
    """A browser in which Ann is signed in."""
    assert login(client).url == "/account/"
    return client


@pytest.fixture
def second_step(ann):
    """Ann's secret and backup codes, after she set her second step up in her browser."""
    page = ann.get("/account/totp/")
    secret = "".join(page.context["secret_groups"])
    shown = ann.post("/account/totp/", {"code": app_code(secret, -1)})
    return secret, shown.context["backup_codes"]


def test_the_start_page_redirects_to_the_profile_or_to_sign_in(client, user):
    assert client.get("/").url == "/login/"
    login(client)
    assert client.get("/").url == "/account/"


def test_a_wrong_password_is_reported_and_signs_nobody_in(client, user):
    answer = login(client, "wrong")
    assert answer.status_code == 401
    assert "Wrong e-mail address or password." in answer.content.decode()
    assert client.get("/account/").url == "/login/?next=/account/"


def test_sign_in_redirects_to_the_requested_page_but_never_to_another_site(client, user):
    assert login(client, next="/account/security/").url == "/account/security/"
    assert login(Browser(), next="https://evil.example/").url == "/account/"
    assert login(Browser(), next="//evil.example").url == "/account/"


def test_five_wrong_passwords_lock_pages_and_api(client, api, user):
    for _ in range(3):
        login(client, "wrong")
    for _ in range(2):
        api.post("/api/v1/auth/login/", {"email": user.email, "password": "wrong"})
    assert "locked" in login(client).content.decode()


def test_an_unconfirmed_address_is_offered_another_confirmation_email(client, make_user):
    make_user(email_verified_at=None)
    answer = login(client)
    assert answer.status_code == 403
    assert "Confirm your address first" in answer.content.decode()


def test_signing_out_takes_a_post_and_ends_the_session(ann, user):
    assert ann.get("/logout/").status_code == 405
    ann.post("/logout/")
    assert ann.get("/account/").status_code == 302
    assert not user.sessions.filter(ended_at__isnull=True).exists()


def test_a_forgotten_password_is_replaced_by_the_mailed_link(client, user, link_token):
    assert "Check your mail" in client.post("/password/forgot/", {"email": user.email}).content.decode()
    path = f"/password/reset/{link_token('/password/reset/')}/"
    assert client.get(path).status_code == 200
    assert client.post(path, {"password": "weak"}).status_code == 422
    assert "is saved" in client.post(path, {"password": NEW_PASSWORD}).content.decode()
    assert client.get(path).status_code == 400
    assert login(client, NEW_PASSWORD).url == "/account/"


def test_a_changed_password_keeps_this_browser_and_ends_the_others(ann, user):
    other = Browser()
    login(other)
    wrong = ann.post("/account/password/", {"current_password": "wrong", "new_password": NEW_PASSWORD})
    assert wrong.context["password_form"].errors["current_password"]
    done = ann.post("/account/password/", {"current_password": PASSWORD, "new_password": NEW_PASSWORD}, follow=True)
    assert "Your new password is saved" in done.content.decode()
    assert other.get("/account/").status_code == 302


def test_who_must_change_the_password_sees_nothing_else_first(ann, user):
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    assert ann.get("/account/").url == "/account/security/#password"
    assert ann.get("/account/security/").status_code == 200
    ann.post("/account/password/", {"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    assert ann.get("/account/").status_code == 200


def test_a_profile_is_saved_in_the_chosen_language_and_pages_follow_it(ann):
    saved = ann.post("/account/", {"first_name": "Ann", "last_name": "", "language": "de"}, follow=True)
    assert "Gespeichert." in saved.content.decode()
    assert "Hallo, Ann" in saved.content.decode()


def test_the_language_is_switched_for_browser_and_user(client, ann, user):
    ann.post("/language/", {"language": "ar", "next": "/account/"})
    assert 'dir="rtl"' in ann.get("/account/").content.decode()
    user.refresh_from_db()
    assert user.language == "ar"
    ann.post("/logout/")
    assert 'lang="ar"' in ann.get("/login/").content.decode()


def test_another_address_is_confirmed_and_can_be_undone(ann, user, link_token):
    requested = ann.post("/account/email/", {"email": "ann@new.example"}, follow=True)
    assert requested.context["pending_email"] == "ann@new.example"
    confirm = f"/account/email/confirm/{link_token('/account/email/confirm/')}/"
    assert "ann@new.example" in ann.get(confirm).content.decode()
    ann.post(confirm)
    user.refresh_from_db()
    assert user.email == "ann@new.example"
    undo = f"/account/email/undo/{link_token('/account/email/undo/', to='ann@example.com')}/"
    assert "ann@example.com" in ann.get(undo).content.decode()
    assert "Your old address is back" in ann.post(undo).content.decode()
    assert ann.get("/account/").status_code == 302


def test_a_phone_is_confirmed_by_the_texted_code(ann, user, settings):
    sent = ann.post("/account/phone/", {"phone": "+49 (170) 123-4567"}, follow=True)
    assert "+491701234567" in sent.content.decode()
    assert ann.post("/account/phone/verify/", {"code": "000000"}).status_code == 422
    assert ann.post("/account/phone/", {"phone": "12"}).context["phone_form"].errors["phone"]


def test_the_phone_that_was_typed_is_shown_after_reauthentication(ann, user, second_step):
    user.sessions.update(reauthenticated_at=None)
    requested = ann.post("/account/phone/", {"phone": "+49 170 1234567"})
    assert requested.url == "/account/reauthenticate/?next=%2Faccount%2F"
    proof = {"password": PASSWORD, "code": second_step[1][0], "next": "/account/"}
    back = ann.post("/account/reauthenticate/", proof, follow=True)
    assert back.context["phone_form"]["phone"].value() == "+49 170 1234567"


def test_mfa_is_set_up_and_then_required_at_sign_in(ann, user, second_step):
    secret, codes = second_step
    assert len(codes) == 10
    browser = Browser()
    assert login(browser).url == "/login/verify/"
    assert browser.get("/account/").status_code == 302
    wrong = browser.post("/login/verify/", {"code": "000000", "method": "totp"})
    assert wrong.status_code == 401
    assert wrong.context["form"].errors["code"]
    answer = {"code": app_code(secret), "method": "totp"}
    assert browser.post("/login/verify/", answer).url == "/account/"
    assert browser.get("/account/").status_code == 200
    replay = Browser()
    login(replay)
    assert replay.post("/login/verify/", answer).status_code == 401


def test_a_backup_code_works_once_and_a_remembered_browser_skips_mfa(ann, second_step):
    browser = Browser()
    login(browser)
    answer = {"code": second_step[1][0], "method": "backup_code", "remember_browser": "on"}
    assert browser.post("/login/verify/?method=backup_code", answer).url == "/account/"
    browser.post("/logout/")
    assert login(browser).url == "/account/"
    other = Browser()
    login(other)
    assert other.post("/login/verify/?method=backup_code", answer).status_code == 401


def test_five_wrong_codes_end_the_challenge(ann, second_step):
    browser = Browser()
    login(browser)
    answers = [browser.post("/login/verify/", {"code": "000000"}) for _ in range(6)]
    assert answers[-1].status_code in {302, 429}


def test_security_settings_change_only_after_reauthentication(ann, user, second_step):
    user.sessions.update(reauthenticated_at=None)
    requested = ann.get("/account/totp/disable/")
    assert requested.url == "/account/reauthenticate/?next=%2Faccount%2Ftotp%2Fdisable%2F"
    assert ann.post("/account/totp/disable/").url.startswith("/account/reauthenticate/")
    assert ann.get("/account/backup-codes/").status_code == 200
    assert ann.post("/account/backup-codes/").url.startswith("/account/reauthenticate/")
    assert ann.get("/account/passkeys/").url.startswith("/account/reauthenticate/")
    assert ann.post("/account/email/", {"email": "ann@new.example"}).url.startswith("/account/reauthenticate/")
    changed = ann.post("/account/password/", {"current_password": PASSWORD, "new_password": NEW_PASSWORD})
    assert changed.url.startswith("/account/reauthenticate/")
    proof = {"password": PASSWORD, "code": app_code(second_step[0]), "next": "/account/totp/disable/"}
    assert ann.post("/account/reauthenticate/", {**proof, "password": "wrong"}).status_code == 401
    assert ann.post("/account/reauthenticate/", proof).url == "/account/totp/disable/"
    assert "Two-factor authentication is off" in ann.post("/account/totp/disable/", follow=True).content.decode()
    assert not TOTPDevice.objects.of(user).exists()


def test_new_backup_codes_replace_the_old_ones_and_are_not_cached(ann, second_step):
    shown = ann.post("/account/backup-codes/")
    assert len(shown.context["backup_codes"]) == 10
    assert "no-store" in shown["Cache-Control"]


def test_a_pending_totp_secret_stays_the_same_after_a_wrong_code(ann):
    secret = "".join(ann.get("/account/totp/").context["secret_groups"])
    wrong = ann.post("/account/totp/", {"code": "000000"})
    assert "".join(wrong.context["secret_groups"]) == secret
    assert totp.in_groups(secret)[0] in wrong.content.decode()


def test_sessions_are_listed_and_ended_from_another_browser(ann, user):
    other = Browser(HTTP_USER_AGENT="Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari")
    login(other)
    listed = other.get("/account/sessions/").context["sessions"]
    assert [session.current for session in listed] == [True, False]
    assert listed[0].kind == "phone"
    other.post(f"/account/sessions/{listed[1].id}/end/")
    assert ann.get("/account/").status_code == 302
    login(ann)
    other.post("/account/sessions/end-others/")
    assert ann.get("/account/").status_code == 302
    assert other.get("/account/").status_code == 200


def test_nobody_ends_the_sessions_of_others(ann, make_user):
    bob = make_user("bob@example.com")
    attacker = Browser()
    attacker.post("/login/", {"email": bob.email, "password": PASSWORD})
    session = bob.sessions.get()
    ann.post(f"/account/sessions/{session.pk}/end/")
    assert attacker.get("/account/").status_code == 200


def test_a_remembered_browser_is_listed_and_forgotten(ann, user, second_step):
    browser = Browser()
    login(browser)
    browser.post("/login/verify/", {"code": second_step[1][1], "method": "backup_code", "remember_browser": "on"})
    known = browser.get("/account/security/").context["browsers"]
    assert [shown.current for shown in known] == [True]
    ann.post(f"/account/browsers/{known[0].id}/forget/")
    browser.post("/logout/")
    assert login(browser).url == "/login/verify/"


def test_recent_activity_says_what_happened(ann, user):
    login(Browser(), "wrong")
    events = ann.get("/account/security/").context["events"]
    assert events[0].label == "Sign-in failed"
    assert events[0].notable


@pytest.mark.parametrize("path", ["/account/sessions/end-others/", "/account/password/", "/account/reset/stop/"])
def test_a_button_pressed_without_a_session_returns_after_sign_in(ann, user, path):
    user.sessions.update(ended_at=timezone.now())
    requested = ann.post(path)
    assert requested.url == f"/login/?next={path}"
    back = ann.post("/login/", {"email": user.email, "password": PASSWORD, "next": path}, follow=True)
    assert back.status_code == 200
    assert back.redirect_chain[-1][0].startswith(("/account/security/", "/account/sessions/"))


def test_secrets_of_forms_are_hidden_from_error_reports(client, user):
    from django.views.debug import SafeExceptionReporterFilter

    answer = login(client, "wrong")
    filtered = SafeExceptionReporterFilter().get_post_parameters(answer.wsgi_request)
    assert "password" in answer.wsgi_request.sensitive_post_parameters
    assert filtered["email"] == "ann@example.com"


def test_every_page_has_a_policy_without_unsafe_inline(ann):
    for path in ("/account/", "/account/security/", "/account/sessions/", "/account/totp/", "/account/preferences/"):
        answer = ann.get(path)
        assert "unsafe-inline" not in answer["Content-Security-Policy"]
        assert " style=" not in answer.content.decode()
        assert "no-store" in answer["Cache-Control"]


@pytest.fixture
def sms_codes():
    """The codes that were sent by SMS."""
    from accounts import signals

    codes: list[str] = []

    def keep(code, **kwargs):
        codes.append(code)

    announced = (signals.sms_code_requested, signals.phone_code_requested)
    for signal in announced:
        signal.connect(keep)
    yield codes
    for signal in announced:
        signal.disconnect(keep)


def test_a_phone_confirmed_by_sms_becomes_an_mfa_method(ann, user, second_step, sms_codes):
    ann.post("/account/phone/", {"phone": "+49 170 1234567"})
    assert (
        "Your phone is confirmed."
        in ann.post("/account/phone/verify/", {"code": sms_codes[-1]}, follow=True).content.decode()
    )
    browser = Browser()
    login(browser)
    requested = browser.get("/login/verify/?method=sms")
    assert requested.context["phone_hint"] == "•• 67"
    assert not requested.context["sms_sent"]
    sent = browser.post("/login/sms/", follow=True)
    assert sent.context["sms_sent"]
    assert browser.post("/login/verify/", {"code": sms_codes[-1], "method": "sms"}).url == "/account/"
    assert Browser().post("/login/sms/").url == "/login/"


def test_switching_off_what_is_off_leads_back(ann):
    assert ann.get("/account/totp/disable/").url == "/account/security/"


@pytest.mark.parametrize(
    "requested", ["x", "login", "admin:index", " ", "..", "?a", "#a", "\x00", "é", "//evil.example", "x:y"]
)
@pytest.mark.parametrize("signed_in", [True, False])
def test_a_next_parameter_that_is_no_url_of_ours_leads_to_the_account(client, user, requested, signed_in):
    if signed_in:
        client.post("/login/", {"email": user.email, "password": PASSWORD})
    answer = client.post("/login/", {"email": user.email, "password": PASSWORD, "next": requested})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/account/")
