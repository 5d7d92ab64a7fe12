"""One long value that nothing breaks neither pushes a column out of sight nor cuts off its page."""

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.tests.browser.looking import sign_in
from foodfleet.tests.browser.test_admin import ALL_SHOWN
from notifications.gateways import mailbox
from notifications.models import EmailOverride, Message, MessageEvent, Preference, SmsTemplate, Suppression
from notifications.services.templates import overrides, sms_templates
from notifications.states import Channel, Kind

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ADDRESS = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 57}.com"  # as long as a mail server takes
NAME = "n" * 100
DESK = 1024  # pixels: from here on lists are tables; below, a row is a card
# What stands beyond the window, whether or not the page can be scrolled to it. What is hidden may, and a table of ours
# on a phone, which is scrolled in its own frame.
BEYOND = """desk => [...document.querySelectorAll("body *")].filter(one => {
    const box = one.getBoundingClientRect();
    const may = one.closest(".visually-hidden, .skip");
    const scrolled = innerWidth < desk && one.closest(".wide");
    return !may && !scrolled && box.width > 1 && (box.left < -1 || box.right > innerWidth + 1);
}).map(one => one.outerHTML.slice(0, 120))"""


@pytest.fixture
def pages(user, make_user):
    """Paths of lists, and of pages of single things, that hold as long a value in each field as it takes."""
    user.is_superuser = True
    user.save()
    message = Message.objects.create(
        channel=Channel.EMAIL, to=[ADDRESS] * 50, cc=[ADDRESS], bcc=[ADDRESS], subject="s" * 255, template=NAME, user=user,
        status="suppressed", last_error="e" * 500, provider_message_id="p" * 200, request_id="r" * 64,
    )  # fmt: skip
    MessageEvent.objects.create(
        message=message, type="bounced", details={"x" * 60: "d" * 500, "recipients": [ADDRESS] * 50}
    )
    row = Suppression.objects.create(
        channel="email", address=ADDRESS, reason="bounce", detail="d" * 500, lifted_at=timezone.now()
    )
    preference = Preference.objects.create(user=make_user(ADDRESS), kind=Kind.MARKETING, is_wanted=False)
    words = {"content": "w" * 1500, "translations": {"de": "w" * 1500}, "examples": {"x" * 200: "y" * 900}}
    text = sms_templates.save(template=SmsTemplate(name=NAME, description="d" * 500, **words), by=user)
    link = '<p><a href="{{ link }}">x</a></p>'
    words = {"subject": "s" * 200, "html": link + "h" * 500, "text": "t" * 500 + " {{ link }}"}
    mail = overrides.save(override=EmailOverride(template="welcome", **words), by=user)
    things = {
        "message": (message, ["change", "history"]),
        "suppression": (row, ["change", "history"]),
        "preference": (preference, ["change"]),
        "smstemplate": (text, ["change", "try", "versions", "history", "delete"]),
        "emailoverride": (mail, ["change", "try", "versions", "history", "delete"]),
    }
    lists = [reverse(f"admin:notifications_{name}_changelist") for name in things]
    ones = [(name, kind, thing.pk) for name, (thing, kinds) in things.items() for kind in kinds]
    return lists, [reverse(f"admin:notifications_{name}_{kind}", args=[pk]) for name, kind, pk in ones]


@pytest.mark.parametrize(("language", "width"), [("en-GB", 1280), ("ar", 390)])
def test_no_page_of_the_admin_is_wider_than_its_window(opened, settings, user, pages, language, width):
    settings.ADMIN_REQUIRE_2FA = False
    user.is_staff = user.is_superuser = True
    page = opened(language, width)
    sign_in(page, user)
    lists, ones = pages
    for path in lists + ones:
        page.goto(path)
        assert page.evaluate(BEYOND, DESK) == [], path
        if path in lists and width >= DESK:
            assert page.evaluate(ALL_SHOWN), path


@pytest.mark.parametrize(("language", "width"), [("en-GB", 1280), ("ar", 390)])
def test_the_mailbox_is_no_wider_than_its_window(opened, settings, language, width):
    settings.ROOT_URLCONF = "foodfleet.tests.development_urls"
    mailbox.save(channel="email", to=[ADDRESS] * 50, subject="s" * 255, text="t" * 500, html="<p>Hello</p>")
    page = opened(language, width)
    page.goto("/dev/mailbox/")
    assert page.evaluate(BEYOND, DESK) == []
