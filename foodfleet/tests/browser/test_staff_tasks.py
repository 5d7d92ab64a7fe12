"""Staff do their daily tasks in at most three clicks from the home page; keys, such as Ctrl-K and typing, are no clicks.

docs/admin.md has the table of all ten.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Session, User
from accounts.tests.browser.looking import sign_in
from notifications.models import Message, SmsTemplate, Suppression
from notifications.services.audience import suppression
from notifications.states import SuppressionReason
from notifications.tests.admin.rows import failed
from rbac.models import Role, RoleAssignment
from rbac.services import assignments, scopes

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MOST = 3


class Desk:
    """A member of staff at the home page, whose clicks are counted."""

    def __init__(self, page):
        self.page, self.clicks = page, 0

    def start(self):
        self.page.goto("/admin/")
        self.clicks = 0
        return self

    def click(self, where):
        self.clicks += 1
        self.page.locator(where).first.click()
        return self

    def find(self, words):
        """Search everywhere, by keys alone but for the click on what was found."""
        self.start()
        self.page.keyboard.press("Control+k")
        self.page.locator("#search-input-command").fill(words)
        found = f".found a:has-text('{words}')"  # not what an earlier letter found
        self.page.locator(found).first.wait_for()
        return self.click(found)

    def confirm(self):
        return self.click("form:has([name=confirmed]) .button.main")

    def sees(self, what):
        self.page.locator(what).first.wait_for()
        assert self.clicks <= MOST
        return self


@pytest.fixture
def desk(open_browser, settings, make_user):
    settings.ADMIN_REQUIRE_2FA = False

    def of(role):
        person = make_user("staff@example.com", is_staff=True)
        assignments.grant(actor=None, user=person, role=Role.objects.get(name=role))
        page = open_browser(viewport={"width": 1280, "height": 900})
        sign_in(page, person)
        return Desk(page)

    return of


def test_support_finds_a_person_and_lets_her_in_again(desk, make_user):
    fatima = make_user("fatima.haddad@example.com", first_name="Fatima", last_name="Haddad")
    later = timezone.now() + timedelta(hours=1)
    User.objects.filter(pk=fatima.pk).update(locked_at=timezone.now())
    Session.objects.create(user=fatima, expires_at=later)
    support = desk("Support")
    support.find("hadd").sees(".state:has-text('Cannot sign in: locked by staff')")
    support.click("button[value=unlock]").confirm().sees(".state:has-text('Can sign in')")
    assert User.objects.get(pk=fatima.pk).locked_at is None
    support.find("hadd").click("button[value=end_sessions]").confirm().sees("text=All sessions ended.")
    assert not Session.objects.filter(user=fatima, ended_at=None).exists()


def test_an_administrator_invites_a_person_with_a_role_in_a_scope(desk):
    scopes.create(actor=None, kind="fleet", key="12", name="Harbour")
    admin = desk("Administrator")
    admin.start().click("text=Invite a person")
    admin.page.locator("#id_email").fill("nour@example.com")
    admin.click("[name=_save]").sees("text=nour@example.com")
    nour = User.objects.get(email="nour@example.com")
    assert nour.invited_at is not None
    admin.find("nour").click("summary:has-text('Give a role')")
    admin.page.locator("select[name=role]").select_option(label="Dispatcher")
    admin.page.locator(".field:has([name=scope]) [role=combobox]").press("Enter")
    admin.page.locator(".select2-search__field").last.fill("harb")
    admin.page.keyboard.press("Enter")  # the answer is not there yet
    admin.page.locator(".select2-selection__rendered:has-text('fleet:12')").wait_for()
    admin.page.locator("[name=expires_at]").fill(f"{timezone.now() + timedelta(days=4):%Y-%m-%dT18:00}")
    admin.click("form[action$='/roles/'] button").sees("td:has-text('Dispatcher')")
    given = RoleAssignment.objects.get(user=nour)
    assert (given.scope, bool(given.expires_at)) == ("fleet:12", True)


def test_a_scope_that_is_not_in_the_list_is_typed_as_kind_and_id(desk, make_user):
    for key in ("1", "12"):
        scopes.create(actor=None, kind="fleet", key=key, name=f"Harbour {key}")
    nour = make_user("nour@example.com")
    admin = desk("Administrator").find("nour").click("summary:has-text('Give a role')")
    admin.page.locator("select[name=role]").select_option(label="Dispatcher")
    search, options = admin.page.locator(".select2-search__field").last, admin.page.locator("li[role=option]")

    def offered(words):
        if not search.is_visible():
            admin.page.locator(".field:has([name=scope]) [role=combobox]").press("Enter")
        search.fill(words)
        admin.page.locator("li.loading-results").wait_for(state="detached")
        return options.all_text_contents()

    assert offered("harb") == ["Harbour 1 (fleet:1)", "Harbour 12 (fleet:12)"]
    assert offered("fleet:1") == ["Harbour 1 (fleet:1)", "Harbour 12 (fleet:12)"]
    assert offered("fleet:7") == ["fleet:7 (not in the list)"]
    search.press("Enter")
    admin.click("form[action$='/roles/'] button").sees("td:has-text('Dispatcher')")
    assert RoleAssignment.objects.get(user=nour).scope == "fleet:7"


def test_an_administrator_sees_who_can_send_messages_and_why(desk, make_user):
    omar = make_user("omar@example.com")
    assignments.grant(actor=None, user=omar, role=Role.objects.get(name="Dispatcher"))
    admin = desk("Administrator")
    admin.start().click("#nav-sidebar a[href='/admin/rbac/role/']").click("a:has-text('Who may do what?')")
    admin.page.locator("select[name=permission]").select_option("notifications:send")
    admin.click(".parameters .button.main").sees("tr:has-text('omar@example.com'):has-text('Dispatcher')")


def test_an_administrator_changes_an_sms_template_and_sees_it(desk):
    admin = desk("Administrator").find("2fa_code")
    admin.page.locator("#id_content").fill("FoodFleet code: {{code}}")
    admin.sees("#template-preview :text('FoodFleet code: 123456')")
    admin.click("[name=_save]").sees("text=was changed successfully")
    assert SmsTemplate.objects.get(name="2fa_code").content == "FoodFleet code: {{code}}"


def test_a_dispatcher_finds_a_failed_message_and_sends_it_again(desk):
    message = failed(to=["nour@example.com"])[0]
    dispatcher = desk("Dispatcher").find("nour@example.com").sees(".state:has-text('Failed')")
    dispatcher.click("button[value=retry]").confirm().sees("text=1 message will be sent again.")
    assert message.events.filter(type="retried").exists()


def test_a_dispatcher_sends_an_old_failed_message_of_a_person_again(desk, make_user):
    nour = make_user("nour.haddad@example.com", first_name="Nour", last_name="Haddad")
    old = failed(user=nour, to=[nour.email], subject="Old", created_at=timezone.now() - timedelta(days=1))[0]
    for _number in range(9):
        Message.objects.create(channel="email", user=nour, to=[nour.email], subject="New", status="sent")
    dispatcher = desk("Dispatcher").find("nour haddad")
    dispatcher.click("#messages tr:has-text('Old') button[value=retry]").confirm()
    dispatcher.sees("text=1 message will be sent again.")
    assert old.events.filter(type="retried").exists()
    failed(user=nour, to=[nour.email], subject="Older", created_at=timezone.now() - timedelta(days=2))
    dispatcher.start().page.keyboard.press("Control+k")
    dispatcher.page.locator("#search-input-command").fill(nour.email)
    dispatcher.click(".found a:has-text('Older')").click("button[value=retry]").confirm()
    dispatcher.sees("text=1 message will be sent again.")


def test_support_lifts_a_suppression(desk):
    suppression.suppress(channel="email", address="nour@example.com", reason=SuppressionReason.BOUNCE, detail="550")
    support = desk("Support").find("nour@example.com").sees(".state:has-text('Nothing')")
    support.click("button[value=lift]").confirm().sees("text=1 address gets messages again.")
    assert not Suppression.objects.live().exists()
