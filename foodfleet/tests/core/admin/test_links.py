"""Links between pages of the admin lead to the section of a person's page that they are about."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import MFAReset, SecurityEvent, Session
from foodfleet.tests.core.admin.test_home import staff  # noqa: F401  a fixture
from notifications.models import Message
from rbac.models import Role
from rbac.services import assignments

pytestmark = pytest.mark.django_db


def page(name, *args):
    return reverse(f"admin:{name}", args=args)


def test_a_row_about_a_person_links_to_its_section(staff, user, make_user):  # noqa: F811
    browser = staff("Administrator")
    expires_at = timezone.now() + timedelta(days=1)
    rows = {
        "sessions": Session.objects.create(user=user, expires_at=expires_at),
        "events": SecurityEvent.objects.create(kind="signed_in", user=user),
        "mfa": MFAReset.objects.create(user=user, requested_by=make_user("other@example.com"), reason="lost"),
        "roles": assignments.grant(actor=None, user=user, role=Role.objects.get(name="Driver")),
        "messages": Message.objects.create(channel="email", to=[user.email], user=user),
    }
    person = page("accounts_user_change", user.pk)
    sections = browser.get(person).content.decode()
    for anchor, row in rows.items():
        own = page(f"{row._meta.app_label}_{row._meta.model_name}_change", row.pk)
        assert f'<a href="{person}#{anchor}">{user.email}</a>' in browser.get(own).content.decode(), anchor
        assert f'id="{anchor}"' in sections
    who = browser.get(page("rbac_role_who"), {"permission": "users:read"}).content.decode()
    assert "/change/#roles" in who


def test_a_person_is_no_link_for_those_who_may_not_open_the_page(client, user, allow, make_user, settings):
    settings.ADMIN_REQUIRE_2FA = False
    reader = make_user("reader@example.com", is_staff=True)
    allow(reader, "sessions:read")
    client.force_login(reader)
    session = Session.objects.create(user=user, expires_at=timezone.now() + timedelta(days=1))
    shown = client.get(page("accounts_session_change", session.pk)).content.decode()
    assert user.email in shown
    assert page("accounts_user_change", user.pk) not in shown
