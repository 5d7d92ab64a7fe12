"""axe-core finds nothing on the admin's pages, and they keep to the Content-Security-Policy."""

from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from accounts.models import MFAReset, SecurityEvent, ServiceAccount, Session
from accounts.services import statistics
from accounts.tests.browser.looking import look_at, sign_in, violations
from notifications.models import (
    EmailOverride,
    Message,
    MessageEvent,
    Preference,
    SmsTemplate,
    Suppression,
    WebhookDelivery,
    WebhookEndpoint,
)
from notifications.services.audience import suppression
from notifications.services.templates import overrides
from notifications.states import Channel, Kind, SuppressionReason
from notifications.tests.admin.rows import failed
from rbac.models import Role, RoleAssignment, RoleRevision, ScopeMembership
from rbac.services import assignments, scopes

# Whether the frame of a list, in which it could be scrolled sideways, is wide enough for it.
ALL_SHOWN = "(e => e.scrollWidth <= e.clientWidth)(document.querySelector('#result_list').parentElement)"

HIGHEST_CARD = 150  # pixels: five lines

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pages(user):
    """Paths of pages that have something to show."""
    user.is_superuser = True
    user.save()
    message = Message.objects.create(
        channel=Channel.EMAIL, to=["ann@example.com"], subject="Hello", user=user, sender=user, is_uncertain=True
    )
    MessageEvent.objects.create(message=message, type="retried", details={"by": user.pk})
    suppression.suppress(channel="email", address="bob@example.com", reason=SuppressionReason.BOUNCE, detail="550")
    suppression.suppress(channel="sms", address="+491", reason=SuppressionReason.MANUAL, kind=Kind.MARKETING)
    text = SmsTemplate.objects.create(name="lunch", content="Lunch {{what}}", translations={"ar": "غداء {{what}}"})
    words = {"subject": "Hello", "html": '<p><a href="{{ link }}">x</a></p>', "text": "{{ link }}"}
    mail = overrides.save(override=EmailOverride(template="welcome", language="ar", **words), by=user)
    of_one = {
        "message": (message, ["change", "history"]),
        "suppression": (Suppression.objects.first(), ["change"]),
        "smstemplate": (text, ["change", "try", "versions"]),
        "emailoverride": (mail, ["change", "try", "versions"]),
    }
    lists = [reverse(f"admin:notifications_{name}_changelist") for name in of_one]
    ones = [(name, kind, row.pk) for name, (row, kinds) in of_one.items() for kind in kinds]
    return [*lists, *(reverse(f"admin:notifications_{name}_{kind}", args=[pk]) for name, kind, pk in ones)]


def open_admin(opened, settings, user, language="en-GB"):
    settings.ADMIN_REQUIRE_2FA = False
    user.is_staff = user.is_superuser = True
    page = opened(language, 1280)
    sign_in(page, user)
    return page


@pytest.mark.parametrize("language", ["en-GB", "ar"])
def test_the_admin_of_messages_has_no_accessibility_violation(opened, settings, user, pages, language):
    page = open_admin(opened, settings, user, language)
    assert not look_at(page, pages)


def test_no_column_of_a_list_is_out_of_sight_on_a_small_desk(opened, settings, user, pages):
    page = open_admin(opened, settings, user)
    Message.objects.create(
        channel=Channel.EMAIL,
        to=["somebody.with.a.long.name@restaurant.example.com"] * 2,
        subject="Please confirm your address",
        template="two_factor_reset_requested",
        status="suppressed",
    )
    for path in pages[:4]:
        page.goto(path)
        assert page.evaluate(ALL_SHOWN), path


@pytest.mark.parametrize("language", ["en-GB", "ar"])
def test_a_row_of_a_list_is_a_small_card_on_a_phone(opened, settings, user, make_user, pages, language):
    page = open_admin(opened, settings, user, language)
    page.set_viewport_size({"width": 390, "height": 844})
    locked = make_user(
        "a.long.address@restaurant.example.com", first_name="Ann", last_name="Baker", locked_at=timezone.now()
    )
    assignments.grant(actor=None, user=locked, role=Role.objects.get(name="Driver"), scope="fleet:12")
    Message.objects.create(channel=Channel.EMAIL, to=[locked.email], subject="Please confirm", template="verify_email")
    SecurityEvent.objects.create(kind="signed_in", user=locked, ip="203.0.113.7")
    for path in ("/admin/accounts/user/", pages[0], "/admin/accounts/securityevent/"):
        page.goto(path)
        heights = page.locator("#result_list .data-row").evaluate_all("rows => rows.map(row => row.offsetHeight)")
        assert heights, path
        assert max(heights) <= HIGHEST_CARD, path
        assert not violations(page)
    failed(user=locked, to=[locked.email], subject="Please confirm")
    page.goto(f"/admin/accounts/user/{locked.pk}/change/")
    for inside in ("#messages button[value=retry]", "#roles td form button"):
        box = page.locator(inside).bounding_box()
        assert box["x"] >= 0, inside
        assert box["x"] + box["width"] <= 390, inside
    assert not violations(page)
    page.goto("/admin/accounts/user/?locked=yes")
    row = page.locator("#result_list .data-row")
    assert row.locator(".tag.bad").is_visible()
    assert row.locator(".action-select").is_visible()
    assert "fleet:12" in row.inner_text()


@pytest.mark.parametrize("language", ["en-GB", "ar"])
def test_home_people_and_roles_are_accessible_and_keep_the_csp(opened, settings, user, make_user, language):
    page = open_admin(opened, settings, user, language)
    refused = []
    page.on("console", lambda message: refused.append(message.text) if "Security Policy" in message.text else None)
    page.on("pageerror", lambda error: refused.append(str(error)))
    ben = make_user("ben@example.com", invited_at=timezone.now(), email_verified_at=None)
    SecurityEvent.objects.create(kind="signed_in", user=ben)
    statistics.count_events()
    role = Role.objects.get(name="Driver")
    paths = ["/admin/", "/admin/accounts/user/", "/admin/accounts/user/add/", f"/admin/rbac/role/{role.pk}/change/"]
    parameters = {"user": ben.pk, "permission": "users:read"}
    paths += [
        reverse("admin:rbac_role_changes", args=[role.pk]),
        f"{reverse('admin:rbac_role_why')}?{urlencode(parameters)}",
    ]
    paths += [
        f"{reverse('admin:rbac_role_who')}?permission=users:read",
        f"{reverse('admin:rbac_role_compare')}?left={role.pk}&right={Role.objects.first().pk}",
    ]
    problems = look_at(page, [*paths, f"/view-as/{ben.pk}/", f"/admin/accounts/user/{ben.pk}/change/"])
    page.locator("button[name=action][value=lock]").click()
    page.locator("#id_reason").wait_for()
    problems += violations(page)
    page.goto("/admin/")
    page.keyboard.press("Control+k")
    page.locator("#search-input-command").fill("ben@example")
    page.locator(".found a").first.wait_for()
    assert not problems + violations(page) + refused


@pytest.mark.parametrize("language", ["en-GB", "ar"])
def test_the_admin_of_programs_and_scopes_has_no_accessibility_violation(opened, settings, user, make_user, language):
    page = open_admin(opened, settings, user, language)
    berlin = scopes.create(actor=user, kind="fleet", key="1", name="Berlin", parent=None)
    program = make_user("program@example.com", first_name="Point of sale", is_service_account=True)
    account = ServiceAccount.objects.create(user=program, owner=user)
    hook = WebhookEndpoint.objects.create(url="https://pos.example/hook", events=["*"], owner=user, secret="x")
    message = failed(template="user.created", channel=Channel.WEBHOOK, last_error="The receiver answered 503.")[0]
    delivery = WebhookDelivery.objects.create(message=message, endpoint=hook)
    lost = failed()[0]
    rows = {"rbac_scope": berlin, "accounts_serviceaccount": account, "notifications_webhookendpoint": hook}
    lists = [*rows, "accounts_apikey", "notifications_webhookdelivery"]
    paths = [reverse(f"admin:{name}_changelist") for name in lists]
    paths += [reverse(f"admin:{name}_add") for name in (*rows, "accounts_apikey", "notifications_suppression")]
    paths += [reverse(f"admin:{name}_change", args=[row.pk]) for name, row in rows.items()]
    problems = look_at(page, [*paths, reverse("admin:notifications_webhookdelivery_change", args=[delivery.pk])])
    page.goto(reverse("admin:notifications_message_change", args=[lost.pk]))
    page.locator("button[name=action][value=retry]").click()
    page.locator("[name=confirmed]").wait_for(state="attached")
    problems += violations(page)
    page.goto(f"{reverse('admin:accounts_apikey_add')}?account={account.pk}")
    page.locator("#id_name").fill("Till 1")
    page.locator("[name=_save]").click()
    page.locator(".copied").wait_for()
    assert not problems + violations(page)


@pytest.mark.parametrize("language", ["en-GB", "ar"])
def test_every_other_page_of_the_admin_has_no_accessibility_violation(opened, settings, user, make_user, language):
    page = open_admin(opened, settings, user, language)
    ben = make_user("ben@example.com")
    berlin = scopes.create(actor=user, kind="fleet", key="1", name="Berlin", parent=None)
    scopes.add_member(actor=user, scope_id=berlin.pk, user=ben)
    assignments.grant(actor=user, user=ben, role=Role.objects.get(name="Driver"), scope="fleet:1")
    MFAReset.objects.create(user=ben, requested_by=user, reason="Lost the phone")
    Preference.objects.create(user=ben, kind=Kind.MARKETING, is_wanted=False)
    models = (SecurityEvent, Session, MFAReset, Preference, RoleAssignment, RoleRevision, ScopeMembership, Permission)
    names = [(f"admin:{one._meta.app_label}_{one._meta.model_name}", one.objects.first()) for one in models]
    paths = [reverse(f"{name}_changelist") for name, _row in names]
    paths += [reverse(f"{name}_change", args=[row.pk]) for name, row in names if row is not None]
    paths += [reverse(f"admin:{name}_add") for name in ("accounts_mfareset", "rbac_roleassignment", "auth_permission")]
    paths += [reverse("admin:accounts_user_import"), reverse("admin:accounts_user_history", args=[ben.pk])]
    assert not look_at(page, [*paths, reverse("admin:rbac_scopemembership_add")])
