"""With SITE_NAME set, nothing that people see says FoodFleet; colours stay readable."""

import re

import pytest
from django.core import mail
from django.template.loader import render_to_string
from django.test import Client as Browser
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator

from accounts.services.mfa import totp
from accounts.services.staff import users
from conftest import PASSWORD
from foodfleet.core import branding
from foodfleet.core.http.clients import Client
from foodfleet.tests.catalogues import entries, texts_of
from foodfleet.tests.routes.endpoints import ENDPOINTS
from notifications.models import SmsTemplate
from notifications.services.templates import rendering, sms_templates, specs
from notifications.states import Channel

pytestmark = [pytest.mark.django_db, pytest.mark.once]
NAME = "Zephyr & Sons"
PRODUCT = re.compile("FoodFleet")
LANGUAGES = ("en", "de", "es", "fr", "ar")
COLORS = ["#ffcc00", "#ffffff", "#000000", "#808080", "#1e5c43", "#ff0000", "#00ff00", "#0000ff", "#777777", "#f5f3ec"]


@pytest.fixture(autouse=True)
def _named(settings):
    settings.SITE_NAME, settings.SITE_LOGO, settings.SITE_COLOR = NAME, "/brand/logo.png", "#ffcc00"
    settings.SUPPORT_EMAIL, settings.ADMIN_REQUIRE_2FA = "help@zephyr.example", False


def pages():
    """The addresses of pages and the admin that take GET and need no row."""
    return sorted(
        f"/{endpoint.address}"
        for endpoint in ENDPOINTS
        if endpoint.method in ("GET", "any") and not endpoint.is_api and "<" not in endpoint.address
        and not endpoint.address.startswith(("health/", "metrics", ".well-known", "dev/"))
    )  # fmt: skip


def test_no_page_says_the_products_name(make_user):
    signed_in = Browser(raise_request_exception=False)
    signed_in.force_login(make_user(is_staff=True, is_superuser=True))
    named = 0
    for browser in (Browser(raise_request_exception=False), signed_in):
        for path in [*pages(), "/nowhere/", "/email/verify/wrong/", "/password/reset/wrong/", "/account/not-me/wrong/"]:
            shown = b"".join(browser.get(path)).decode(errors="replace")
            assert not PRODUCT.search(shown), path
            named += "Zephyr &amp; Sons" in shown
    assert named > 40


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_no_translation_says_the_products_name(language):
    said = [entry for entry in entries(language) if any(map(PRODUCT.search, texts_of(entry)))]
    assert [entry.msgid for entry in said] == ["FoodFleet. Good food, on its way."]  # shown where no name is set


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
def test_error_pages_without_a_request_have_the_name_and_logo(status):
    shown = render_to_string(f"errors/{status}.html", branding.context())
    assert "Zephyr &amp; Sons" in shown
    assert "/brand/logo.png" in shown
    assert not PRODUCT.search(shown)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("spec", specs.for_channel(Channel.EMAIL), ids=lambda spec: spec.name)
def test_no_email_says_the_products_name(spec, language):
    content = rendering.render_files(spec.name, spec.examples, language)
    for part in (content.subject, content.text, content.html):
        assert not PRODUCT.search(part)
    assert "Zephyr &amp; Sons" in content.html
    assert NAME in content.text
    assert "help@zephyr.example" in content.text
    own = rendering.own_content(spec.name, language)
    assert not PRODUCT.search(own.subject + own.html + own.text)


def test_emails_have_the_logo_unless_it_is_svg(settings):
    spec = specs.find(Channel.EMAIL, "welcome")
    assert f"{settings.PUBLIC_URL}/brand/logo.png" in rendering.render_files("welcome", spec.examples, "en").html
    settings.SITE_LOGO = "/brand/logo.svg"
    assert "logo.svg" not in rendering.render_files("welcome", spec.examples, "en").html


def test_invitations_by_the_system_come_from_the_site(transactional_db):
    users.create(new=users.NewAccount(email="new@example.com"), actor=None, client=Client())
    assert mail.outbox[0].subject == f"{NAME} invites you to {NAME}"


def test_sms_name_the_site():
    sms_templates.create_missing()
    for template in SmsTemplate.objects.all():
        rendered = sms_templates.render(name=template.name, variables={"code": "123456"})
        assert not PRODUCT.search(rendered.content)
        shown = sms_templates.preview(template=template, variables={"code": "123456"})
        assert (shown.missing, shown.unknown) == ([], [])
    assert (
        "Your Zephyr & Sons code"
        in sms_templates.render(name="phone_verification", variables={"code": "123456"}).content
    )


def test_authenticator_apps_and_passkeys_name_the_site(api, user, sign_in):
    assert totp.otpauth_uri("ABC", "ann@example.com").startswith("otpauth://totp/Zephyr%20%26%20Sons:ann@example.com?")
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in()['access']}")
    assert api.post("/api/v1/auth/passkeys/options/").json()["options"]["rp"]["name"] == NAME


def test_the_schema_says_the_products_name_in_its_title_alone():
    document = SchemaGenerator().get_schema(public=True)
    assert len(PRODUCT.findall(str(document))) <= 1  # the title is read at the start: test_settings has it


@pytest.mark.parametrize("color", COLORS)
def test_every_colour_leaves_text_readable(color):
    for palette, grounds in zip(branding.palettes(color), (branding.LIGHT_GROUNDS, branding.DARK_GROUNDS), strict=True):
        for ground in (*grounds, palette.wash):
            assert branding.contrast(palette.text, ground) >= branding.READABLE
        for text, fill in ((palette.on_fill, palette.fill), (palette.on_fill, palette.fill_deep),
                           (palette.on_text, palette.text)):  # fmt: skip
            assert branding.contrast(text, fill) >= branding.READABLE
        assert palette.fill == color


def test_the_stylesheet_of_colours_is_linked_only_where_one_is_set(client, settings):
    assert "--fill: #ffcc00" in client.get("/site-colors.css").content.decode()
    assert "/site-colors.css?%23ffcc00" in client.get("/login/").content.decode()
    settings.SITE_COLOR = ""
    assert client.get("/site-colors.css").content == b""
    assert "site-colors" not in client.get("/login/").content.decode()


def test_a_site_without_a_name_of_its_own_has_the_products(client, settings, user):
    settings.SITE_NAME, settings.SITE_LOGO = "FoodFleet", ""
    assert "FoodFleet. Good food, on its way." in client.get("/login/").content.decode()
    with translation.override("de"):
        assert "FoodFleet" in rendering.render_files("welcome", {"link": "https://x.example"}, "de").subject
    assert client.post("/login/", {"email": user.email, "password": PASSWORD}).status_code == 302
