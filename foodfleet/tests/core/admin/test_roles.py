"""What a default role may not do in the admin is neither shown nor possible: each address, by GET and forged POST."""

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import URLResolver, reverse
from django.utils import timezone

from accounts.models import ApiKey, MFAReset, SecurityEvent, ServiceAccount, Session
from foodfleet.core.admin.search import model_admins
from foodfleet.tests.core.admin.test_home import staff  # noqa: F401  a fixture
from notifications.models import (
    EmailOverride,
    Message,
    Preference,
    SmsTemplate,
    Suppression,
    WebhookDelivery,
    WebhookEndpoint,
)
from rbac.models import Role, RoleAssignment, RoleRevision, Scope, ScopeMembership
from rbac.services import assignments, custom_permissions, roles, scopes

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ALL = "Administrator"
# The permissions of the default roles, in words of this test's own; an Administrator has all, Kitchen has Driver's.
HELD = {
    ALL: set(),
    "Support": {
        "users:read", "users:update", "users:lock", "users:reset_2fa", "sessions:read", "sessions:end", "events:read",
        "roles:read", "scopes:read", "access:check", "sms_templates:read", "email_templates:read", "suppressions:read",
        "suppressions:lift", "notifications:read",
    },
    "Auditor": {
        "users:read", "events:read", "service_accounts:read", "roles:read", "permissions:read", "scopes:read",
        "access:check", "sms_templates:read", "email_templates:read", "suppressions:read", "webhooks:read",
        "notifications:read",
    },
    "Fleet manager": {
        "users:read", "roles:read", "roles:assign", "scopes:read", "access:check", "sms_templates:read",
        "email_templates:read", "suppressions:read", "notifications:read", "notifications:send",
    },
    "Dispatcher": {"users:read", "sms_templates:read", "notifications:read", "notifications:send"},
    "Driver": set(),
}  # fmt: skip
NOBODY = "nobody"  # of the default roles
# Of each model: what list, page and history need, then what adds, changes and deletes a row.
MODELS = {
    "accounts_user": ("users:read", "users:create", "users:update", "users:delete"),
    "accounts_session": ("sessions:read", NOBODY, NOBODY, NOBODY),
    "accounts_securityevent": ("events:read", NOBODY, NOBODY, NOBODY),
    "accounts_mfareset": ("users:reset_2fa", "users:reset_2fa", NOBODY, NOBODY),
    "accounts_serviceaccount": (
        "service_accounts:read", "service_accounts:create", "service_accounts:update", "service_accounts:delete",
    ),
    "accounts_apikey": ("service_accounts:read", "service_accounts:update", NOBODY, NOBODY),
    "auth_permission": ("permissions:read", "permissions:create", NOBODY, "permissions:delete"),
    "rbac_role": ("roles:read", "roles:create", "roles:update", "roles:delete"),
    "rbac_roleassignment": ("roles:read", "roles:assign", NOBODY, NOBODY),
    "rbac_rolerevision": ("roles:read", NOBODY, NOBODY, NOBODY),
    "rbac_scope": ("scopes:read", "scopes:create", "scopes:update", "scopes:delete"),
    "rbac_scopemembership": ("scopes:read", "scopes:update", NOBODY, "scopes:update"),
    "notifications_message": ("notifications:read", NOBODY, NOBODY, NOBODY),
    "notifications_preference": ("notifications:read", NOBODY, NOBODY, NOBODY),
    "notifications_suppression": ("suppressions:read", "suppressions:create", NOBODY, NOBODY),
    "notifications_smstemplate": (
        "sms_templates:read", "sms_templates:create", "sms_templates:update", "sms_templates:delete",
    ),
    "notifications_emailoverride": (
        "email_templates:read", "email_templates:create", "email_templates:update", "email_templates:delete",
    ),
    "notifications_webhookendpoint": ("webhooks:read", "webhooks:create", "webhooks:update", "webhooks:delete"),
    "notifications_webhookdelivery": ("webhooks:read", NOBODY, NOBODY, NOBODY),
}  # fmt: skip
# Other pages: what a GET and a POST need. Those of a model that are not here need what its page needs.
PAGES = {
    "rbac_role_who": ("access:check", NOBODY),
    "rbac_role_why": ("access:check", NOBODY),
    "accounts_user_import": ("users:create", "users:create"),
    "accounts_user_give_role": (NOBODY, "roles:assign"),
    "accounts_user_end_role": (NOBODY, "roles:assign"),
    "auth_user_password_change": (NOBODY, NOBODY),
    "accounts_securityevent_export": (NOBODY, "events:read"),
    "notifications_emailoverride_languages": ("email_templates:read", "email_templates:create"),
    "notifications_emailoverride_draft_frame_new": (NOBODY, "email_templates:create"),
    "notifications_emailoverride_draft_frame": (NOBODY, "email_templates:update"),
    "notifications_emailoverride_preview_new": (NOBODY, "email_templates:create"),
    "notifications_emailoverride_preview": (NOBODY, "email_templates:update"),
    "notifications_smstemplate_preview_new": (NOBODY, "sms_templates:create"),
    "notifications_smstemplate_preview": (NOBODY, "sms_templates:update"),
}
ANYBODY = {
    "search",
    "index",
    "figures",
    "login",
    "logout",
    "password_change",
    "password_change_done",
    "jsi18n",
    "app_list",
}
BY_QUERY = {"autocomplete", "view_on_site", None}


def patterns(found, prefix="/admin/"):
    for pattern in found:
        address = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern.url_patterns, address)
        else:
            yield pattern.name, address


def needed(name):
    """Return what a GET and a POST of the page of this name need."""
    if name in PAGES:
        return PAGES[name]
    model = "_".join(name.split("_")[:2])
    if model not in MODELS:
        raise AssertionError(f"Add the admin page {name} to the table.")
    read, add, change, delete = MODELS[model]
    of_model = {
        "add": (add, add), "change": (read, change), "delete": (delete, delete),
        "save_view": (NOBODY, read), "delete_view": (NOBODY, read),
    }  # fmt: skip
    return of_model.get(name.removeprefix(f"{model}_"), (read, NOBODY))


@pytest.fixture
def rows(make_user):
    """One row of each model, none of which belongs to a system role or a declared permission."""
    victim = make_user("victim@example.com")
    role = roles.create(actor=None, edit=roles.RoleEdit(name="Taster"))
    fleet = scopes.create(actor=None, kind="fleet", key="12", name="Harbour")
    scopes.add_member(actor=None, scope_id=fleet.pk, user=victim)
    held = assignments.grant(actor=None, user=victim, role=role)
    program = make_user("program@example.com", is_service_account=True)
    delivery = Message.objects.create(channel="webhook", to=["https://example.com/"], payload="x")
    message = Message.objects.create(channel="email", to=["ann@example.com"], payload="x")
    endpoint = WebhookEndpoint.objects.create(url="https://example.com/", secret="x")
    made = [
        victim, role, fleet, held, message, endpoint,
        Session.objects.create(user=victim, expires_at=timezone.now() + timedelta(days=1)),
        SecurityEvent.objects.create(kind="signed_in", user=victim),
        MFAReset.objects.create(user=victim, requested_by=program, reason="lost"),
        ServiceAccount.objects.create(user=program),
        ApiKey.objects.create(user=program, name="Key", prefix="0" * 12, digest="x"),
        custom_permissions.create(actor=None, resource="grills", action="light", description="Light grills"),
        RoleRevision.objects.filter(role=role).get(), ScopeMembership.objects.get(),
        Suppression.objects.create(channel="email", address="b@example.com", reason="manual"),
        Preference.objects.create(user=victim, kind="marketing", is_wanted=False),
        SmsTemplate.objects.create(name="lunch", content="Lunch"),
        EmailOverride.objects.create(template="welcome", language="ar", subject="x", html="x", text="x"),
        WebhookDelivery.objects.create(message=delivery, endpoint=endpoint),
    ]  # fmt: skip
    named = {Permission: "auth_permission"}
    return {named.get(type(one), f"{one._meta.app_label}_{one._meta.model_name}"): one.pk for one in made}


def pages(rows):
    """Yield the name and address of each admin page, filled with the rows."""
    for name, address in patterns(admin.site.get_urls()):
        if name in ANYBODY | BY_QUERY:
            continue
        model = "accounts_user" if name in PAGES and "user" in name else "_".join(name.split("_")[:2])
        filled = address.replace("<int:assignment>", str(rows["rbac_roleassignment"]))
        filled = filled.replace("<str:template>", "welcome").replace("<slug:code>", "de")
        yield name, re.sub(r"<[^>]+>", str(rows.get(model, "")), filled)


def holds(role, permission):
    return permission != NOBODY and (role == ALL or permission in HELD[role])


@pytest.mark.parametrize("role", HELD)
def test_a_role_opens_the_pages_of_its_permissions_and_no_other(staff, role, rows):  # noqa: F811
    browser = staff(role)
    wrong = []
    for name, address in pages(rows):
        status = browser.get(address).status_code
        if (status == 200) != holds(role, needed(name)[0]):
            wrong.append((name, status))
    assert not wrong


@pytest.mark.parametrize("role", HELD)
def test_no_link_that_a_role_is_shown_is_refused(staff, role, rows):  # noqa: F811
    browser = staff(role)
    shown = {"/admin/"}
    for name, address in pages(rows):
        if name.endswith("_change") and holds(role, needed(name)[0]):
            shown |= set(re.findall(r'href="(/(?:admin|view-as)/[^"#]*)"', browser.get(address).content.decode()))
    links = {one.replace("&amp;", "&") for one in shown if "/r/" not in one}
    assert not [link for link in sorted(links) if browser.get(link).status_code in {403, 404}]
    lists = {reverse(f"admin:{model}_changelist") for model, (read, *_) in MODELS.items() if holds(role, read)}
    home = browser.get("/admin/").content.decode()
    assert set(re.findall(r'href="(/admin/\w+/\w+/)"', home)) == lists


@pytest.mark.parametrize("role", HELD)
def test_no_forged_post_of_a_role_changes_anything(staff, role, rows):  # noqa: F811
    browser = staff(role)
    before = SecurityEvent.objects.count()
    form = {
        "post": "yes",
        "confirmed": "1",
        "reason": "x",
        "email": "x@example.com",
        "name": "x",
        "role": 1,
        "number": 1,
    }
    wrong = []
    for name, address in pages(rows):
        read, change = needed(name)
        if holds(role, change) or name.endswith("_changelist") or (change == NOBODY and holds(role, read)):
            continue  # a page that only shows something shows it to a POST too
        if (status := browser.post(address, form).status_code) not in {302, 403, 404, 405}:
            wrong.append((name, status))
    request = browser.get("/admin/").wsgi_request
    for model_admin in model_admins(admin.site):
        name = f"{model_admin.opts.app_label}_{model_admin.opts.model_name}"
        every = {one if isinstance(one, str) else one.__name__ for one in model_admin.actions or ()}
        for action in {*every, "delete_selected"} - model_admin.get_actions(request).keys():
            chosen = {**form, "action": action, "_selected_action": [rows[name]]}
            browser.post(reverse(f"admin:{name}_changelist"), chosen)
    assert not wrong
    assert (LogEntry.objects.count(), SecurityEvent.objects.count()) == (0, before)
    assert RoleAssignment.objects.filter(ended_at=None).count() == 2  # of the victim, and of the member of staff
    assert Role.objects.live().filter(pk=rows["rbac_role"]).exists()
    assert Scope.objects.exists()
