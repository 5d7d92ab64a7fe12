"""What a default role may not do in the admin is neither shown nor possible by its address or a forged form."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from accounts.models import SecurityEvent
from foodfleet.tests.core.admin.test_home import staff  # noqa: F401  a fixture
from notifications.models import Message, Suppression

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MESSAGES = {"message", "emailoverride", "smstemplate", "suppression", "preference"}
# The lists that a role opens, and those of them that it adds to. Roles without a row open none.
SEEN = {
    "Support": {"user", "session", "securityevent", "mfareset", "role", "roleassignment", "rolerevision", *MESSAGES},
    "Auditor": {
        "user", "securityevent", "serviceaccount", "apikey", "role", "roleassignment", "rolerevision", "permission", *MESSAGES,
    },
    "Fleet manager": {"user", "role", "roleassignment", "rolerevision", *MESSAGES},
    "Dispatcher": {"user", "message", "preference", "smstemplate"},
    "Driver": set(),
    "Kitchen": set(),
}  # fmt: skip
ADDED = {"Support": {"mfareset"}, "Fleet manager": {"roleassignment"}}
KNOWN = {*SEEN["Support"], *SEEN["Auditor"]}
NAMES = {
    f"{one.opts.app_label}_{name}": one
    for one in admin.site._registry.values()
    if (name := one.opts.model_name) in KNOWN
}


@pytest.mark.parametrize("role", SEEN)
def test_a_role_opens_the_lists_of_its_permissions_and_no_other(staff, role):  # noqa: F811
    browser = staff(role)
    shown = browser.get("/admin/").content.decode()
    opened, linked, added = set(), set(), set()
    for name, model_admin in NAMES.items():
        listed = reverse(f"admin:{name}_changelist")
        model = model_admin.opts.model_name
        opened |= {model} if browser.get(listed).status_code == 200 else set()
        linked |= {model} if f'href="{listed}"' in shown else set()
        added |= {model} if browser.get(reverse(f"admin:{name}_add")).status_code == 200 else set()
    assert opened == linked == SEEN[role]
    assert added == ADDED.get(role, set())


@pytest.mark.parametrize("role", SEEN)
def test_no_forged_action_or_form_of_a_role_changes_anything(staff, role, make_user):  # noqa: F811
    browser = staff(role)
    victim = make_user("victim@example.com")
    Message.objects.create(channel="email", to=["a@example.com"])
    Suppression.objects.create(channel="email", address="b@example.com", reason="manual")
    before = SecurityEvent.objects.count()
    for name, model_admin in NAMES.items():
        request = browser.get("/admin/").wsgi_request
        every = {one if isinstance(one, str) else one.__name__ for one in model_admin.actions or ()} | {
            "delete_selected"
        }
        row = model_admin.model._default_manager.first()
        if row is None:
            continue
        pk = victim.pk if model_admin.opts.model_name == "user" else row.pk
        for action in every - model_admin.get_actions(request).keys():
            form = {"action": action, "_selected_action": [pk], "confirmed": "1", "reason": "x", "post": "yes"}
            browser.post(reverse(f"admin:{name}_changelist"), form)
        if not model_admin.has_change_permission(request, row):
            assert (
                browser.post(reverse(f"admin:{name}_change", args=[pk]), {"email": "x@example.com"}).status_code == 403
            )
        if not model_admin.has_delete_permission(request, row):
            assert browser.post(reverse(f"admin:{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403
    assert LogEntry.objects.count() == 0
    assert SecurityEvent.objects.count() == before
