"""The page with all languages of one e-mail: what is sent in each, changed on one form."""

from dataclasses import replace

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from notifications.models import EmailOverride
from notifications.services.templates import overrides, specs
from notifications.states import Channel
from notifications.tests.admin.rows import EMAIL

pytestmark = pytest.mark.django_db
EMAILS = "/admin/notifications/emailoverride/emails/"


def path(name="languages", *args):
    return reverse(f"admin:notifications_emailoverride_{name}", args=args or ["welcome"])


def saved(**changes):
    return overrides.save(override=EmailOverride(**{**EMAIL, **changes}), by=None)


def as_shown(page):
    """Return what a browser submits without an edit, with its line ends."""
    data = {}
    for pane in page.context["panes"]:
        form = pane["form"]
        values = {name: form[name].value() for name in form.fields}
        values |= {"template": "welcome", "language": pane["language"].code}
        for name, value in values.items():
            if value not in (None, False):
                text = "on" if value is True else str(value)
                data[f"{pane['prefix']}-{name}"] = text.replace("\n", "\r\n")
    return data


def panes(page):
    return {pane["prefix"]: pane for pane in page.context["panes"]}


@pytest.fixture
def reader(client, make_user, allow, settings):
    settings.ADMIN_REQUIRE_2FA = False
    person = make_user("reader@example.com", is_staff=True)
    allow(person, "email_templates:read")
    client.force_login(person)
    return client


def test_each_language_shows_what_is_sent_and_whose_wording_it_is(boss):
    saved(language="de", subject="Hallo {{ first_name }}")
    saved(language="fr", is_active=False)
    page = boss.get(path())
    shown = panes(page)
    states = {code: str(pane["language"].state) for code, pane in shown.items()}
    assert states["de"] == "Own text, version 1"
    assert states["fr"] == "Own text, switched off"
    assert states["es"] == "Product’s own text"
    assert states["all"] == "Not written"
    assert shown["de"]["preview"]["content"].subject == "Hallo Ann"
    assert shown["es"]["preview"]["content"].subject == "Te damos la bienvenida a FoodFleet"
    assert shown["es"]["form"]["subject"].value() == "Te damos la bienvenida a FoodFleet"
    assert shown["de"]["built_in"].subject == "Willkommen bei FoodFleet"
    assert shown["all"]["preview"] is None
    assert shown["all"]["form"]["subject"].value() == ""
    frame = boss.get(path("languages_sent", "welcome", "ar"))
    assert 'dir="rtl"' in frame.content.decode()
    assert {"script-src 'none'", "sandbox"} <= set(frame["Content-Security-Policy"].split("; "))


def test_a_language_inherits_the_override_for_all_others(boss):
    saved(subject="For {{ first_name }}")
    shown = panes(boss.get(path()))
    assert str(shown["es"]["language"].state) == "Inherits the override for all languages"
    assert shown["es"]["preview"]["content"].subject == "For Ann"
    assert shown["es"]["form"]["subject"].value() == "For {{ first_name }}"


def test_only_changed_languages_are_saved_and_recorded(boss):
    kept = saved(language="de")
    data = as_shown(boss.get(path()))
    assert boss.post(path(), data, follow=True).context["messages"]
    assert list(EmailOverride.objects.values_list("language", "version")) == [("de", 1)]
    data |= {"es-subject": "Hola {{ first_name }}", "de-subject": "Moin {{ first_name }}"}
    page = boss.post(path(), data, follow=True)
    assert "Saved: German, Spanish" in page.content.decode()
    kept.refresh_from_db()
    assert (kept.subject, kept.version) == ("Moin {{ first_name }}", 2)
    new = EmailOverride.objects.get(language="es")
    assert (new.subject, new.is_active) == ("Hola {{ first_name }}", True)
    assert sorted(LogEntry.objects.values_list("object_repr", "action_flag")) == [("welcome de", 2), ("welcome es", 1)]


def test_an_error_in_one_language_saves_none_and_is_shown_there(boss):
    saved(language="de")
    data = as_shown(boss.get(path()))
    wrong = {**data, "de-subject": "Moin", "fr-text": "no link"}
    page = boss.post(path(), wrong)
    assert "These variables are required: link." in str(panes(page)["fr"]["form"].errors["text"])
    assert EmailOverride.objects.get().subject == EMAIL["subject"]
    empty = boss.post(path(), {**data, "de-html": ""})
    assert panes(empty)["de"]["form"].errors["html"]


def test_a_newer_version_of_a_language_is_not_overwritten(boss):
    one = saved(language="de")
    data = as_shown(boss.get(path()))
    overrides.change(pk=one.pk, changes=overrides.OverrideChanges(subject="Newer"), by=None)
    page = boss.post(path(), {**data, "de-subject": "Older"})
    assert panes(page)["de"]["form"].errors
    assert EmailOverride.objects.get().subject == "Newer"


def others_add():
    saved(language="es", subject="Theirs")


def others_change():
    one = EmailOverride.objects.get(language="de")
    overrides.change(pk=one.pk, changes=overrides.OverrideChanges(subject="Theirs"), by=None)


def others_change_what_languages_inherit():
    saved(subject="Theirs")


def others_delete():
    overrides.delete(override=EmailOverride.objects.get(language="de"), by=None)


@pytest.mark.parametrize("others", [others_add, others_change, others_change_what_languages_inherit, others_delete])
def test_what_others_did_to_other_languages_after_the_page_opened_stays(boss, others):
    saved(language="de")
    data = as_shown(boss.get(path()))
    others()
    theirs = set(EmailOverride.objects.values_list("language", "subject", "is_active", "version"))
    assert boss.post(path(), {**data, "fr-subject": "Mine"}).status_code == 302
    now = set(EmailOverride.objects.values_list("language", "subject", "is_active", "version"))
    assert now == theirs | {("fr", "Mine", True, 1)}


def test_an_override_that_others_added_or_deleted_is_not_replaced(boss):
    saved(language="de")
    data = as_shown(boss.get(path()))
    others_add()
    others_delete()
    page = boss.post(path(), {**data, "de-subject": "Mine", "es-subject": "Mine"})
    for code in ("de", "es"):
        assert "added or deleted this after you opened it" in str(panes(page)[code]["form"].non_field_errors())
    assert page.content.decode().count("added or deleted this after you opened it") == 2
    assert list(EmailOverride.objects.values_list("language", "subject")) == [("es", "Theirs")]


def test_a_draft_of_one_language_is_previewed_by_its_prefix(boss):
    data = as_shown(boss.get(path())) | {"ar-subject": "Now {{ first_name }}"}
    address = panes(boss.get(path()))["ar"]["preview_url"]
    shown = boss.post(address, data, headers={"X-Requested-With": "fetch"}).content.decode()
    assert "Now Ann" in shown
    assert 'lang="ar" dir="rtl"' in shown
    assert not EmailOverride.objects.exists()


def test_readers_see_all_languages_and_change_none(reader):
    saved(language="de")
    page = reader.get(path())
    content = page.content.decode()
    assert not page.context["may_edit"]
    assert "data-preview" not in content
    assert "data-insert" not in content
    assert 'name="_save"' not in content
    assert reader.post(path(), as_shown(page) | {"de-subject": "Forged"}).status_code == 403
    assert reader.get(EMAILS).status_code == 200


def test_who_may_only_change_overrides_adds_no_language(client, make_user, allow, settings):
    settings.ADMIN_REQUIRE_2FA = False
    person = make_user("editor@example.com", is_staff=True)
    allow(person, "email_templates:read", "email_templates:update")
    client.force_login(person)
    saved(language="de")
    data = as_shown(client.get(path())) | {"de-subject": "New", "es-subject": "Forged"}
    assert client.post(path(), data).status_code == 302
    assert list(EmailOverride.objects.values_list("language", "subject")) == [("de", "New")]


def test_the_list_of_emails_marks_languages_with_an_override(boss):
    saved(language="de")
    page = boss.get(EMAILS)
    emails = page.context["emails"]
    marks = {spec.name: [str(name) for name, is_own in marked if is_own] for spec, marked in emails}
    assert marks["welcome"] == ["German"]
    assert not marks["new_device"]
    assert path() in page.content.decode()
    assert boss.get(path("languages", "nothing")).status_code == 404
    assert boss.get(path("languages_sent", "welcome", "xx")).status_code == 404


def test_an_email_of_a_module_may_have_a_dot_in_its_name(boss, monkeypatch):
    spec = replace(specs.find(Channel.EMAIL, "welcome"), name="trucks.reminder")
    monkeypatch.setattr(specs, "all_specs", lambda: {(spec.channel, spec.name): spec})
    assert path("languages", "trucks.reminder") in boss.get(EMAILS).content.decode()


def test_adding_without_an_email_lists_the_emails_to_choose_from(boss):
    assert path() in boss.get(reverse("admin:notifications_emailoverride_add")).content.decode()


def test_the_languages_of_an_email_take_at_most_20_queries(boss):
    for code in ("de", "fr", "es", "ar", ""):
        saved(language=code)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        boss.get(path())
    assert len(queries) <= 20
