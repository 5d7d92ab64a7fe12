"""Labels, errors and text directions in the admin."""

import re

import pytest
from django.urls import reverse

from notifications.models import EmailOverride, Message, MessageEvent, Preference, SmsTemplate, Suppression
from notifications.services.templates import overrides
from notifications.states import Channel, Kind

pytestmark = pytest.mark.django_db
CONTENT = {"subject": "Hello", "html": '<a href="{{ link }}">x</a>', "text": "{{ link }}"}
NUMBER = "+15551234567"
ISOLATED = f'<bdi dir="ltr">{NUMBER}</bdi>'


def path(name, *args):
    return reverse(f"admin:notifications_{name}", args=args)


def shown(client, name, *args):
    return client.get(path(name, *args)).content.decode()


def test_addresses_and_numbers_are_shown_left_to_right(boss):
    message = Message.objects.create(channel=Channel.SMS, to=[NUMBER, "+49"], cc=["<b>@x.test"], bcc=["+33"])
    row = Suppression.objects.create(channel="sms", address=NUMBER)
    assert f'{ISOLATED} <bdi dir="ltr">+1</bdi>' in shown(boss, "message_changelist")
    of_message = shown(boss, "message_change", message.pk)
    assert f'{ISOLATED}, <bdi dir="ltr">+49</bdi>' in of_message
    assert '<bdi dir="ltr">&lt;b&gt;@x.test</bdi>' in of_message
    assert '<bdi dir="ltr">+33</bdi>' in of_message
    assert ISOLATED in shown(boss, "suppression_changelist")
    assert ISOLATED in shown(boss, "suppression_change", row.pk)


def test_form_fields_have_the_direction_of_their_content(boss):
    template = SmsTemplate.objects.create(name="lunch", content="Lunch")
    override = overrides.save(override=EmailOverride(template="welcome", **CONTENT), by=None)
    forms = {
        ("smstemplate", template.pk): {
            "name": "ltr", "content": "auto", "description": "auto",
        },
        ("emailoverride", override.pk): {"html": "ltr", "subject": "auto", "text": "auto"},
    }  # fmt: skip
    for (name, key), directions in forms.items():
        form = boss.get(path(f"{name}_change", key)).context["adminform"].form
        assert {field: form[field].field.widget.attrs.get("dir") for field in directions} == directions
        assert 'dir="ltr"' in str(form[next(iter(directions))])
    assert 'dir="ltr"' in str(boss.get(path("suppression_add")).context["adminform"].form["address"])


def test_each_variable_of_an_sms_has_an_input_for_its_example(boss):
    template = SmsTemplate.objects.create(name="lunch", content="{{what}} at {{place}}", examples={"what": "Soup"})
    page = path("smstemplate_change", template.pk)
    form = boss.get(page).text
    assert 'name="examples_what" value="Soup"' in form
    assert 'name="examples_place" value="" placeholder="place"' in form
    data = {"content": "{{what}} at {{place}}", "examples_what": " ", "examples_place": "Kitchen 1", "is_active": "on"}
    assert boss.post(page, {**data, "name": "lunch"}).status_code == 302
    template.refresh_from_db()
    assert template.examples == {"place": "Kitchen 1"}


def test_too_long_translation_is_a_field_error(boss):
    template = SmsTemplate.objects.create(name="lunch", content="Lunch")
    data = {"name": "lunch", "content": "Lunch", "translations_de": "x" * 1601}
    errors = boss.post(path("smstemplate_change", template.pk), data).context["adminform"].form.errors
    assert errors == {"translations": ["This is too long for an SMS."]}


@pytest.mark.parametrize(
    "words", ["{% if first_name %}", "{% endif %}", "{% else %}", "{% if first_name %}{% else %}{% else %}{% endif %}",
              "{% if first_name %}{% else %}{% elif first_name %}{% endif %}", "{% if in %}{% endif %}", "{% if not or %}{% endif %}"],
)  # fmt: skip
def test_unbalanced_conditions_have_a_translated_error(boss, words):
    data = {"template": "welcome", **CONTENT, "text": CONTENT["text"] + " " + words}
    (refused,) = boss.post(path("emailoverride_add"), data).context["adminform"].form.errors["text"]
    assert refused.startswith(("Each “if” needs", "The conditions do not match", "This is not allowed"))
    assert "line 1" not in refused


def test_preference_is_named_by_user_and_kind(user):
    preference = Preference.objects.create(user=user, kind=Kind.MARKETING, is_wanted=False)
    assert str(preference) == "ann@example.com: News and offers"


def test_timeline_shows_labels_and_formatted_times(boss):
    message = Message.objects.create(channel=Channel.SMS, to=[NUMBER])
    details = {
        "recipients": [NUMBER], "odd_one": "x", "next_try_at": "2026-11-25T18:34:00+00:00", "error": "<b>", "attempt": 3,
        "until": "soon", "price_in_usd": None,
    }  # fmt: skip
    MessageEvent.objects.create(message=message, type="postponed", details=details)
    notice = shown(boss, "message_change", message.pk)
    assert "attempt: <bdi>3</bdi>; error: <bdi>&lt;b&gt;</bdi>; next try: Nov. 25, 2026, 6:34 p.m.; until: " in notice
    assert f"<bdi>soon</bdi>; recipients: {ISOLATED}; odd_one: <bdi>x</bdi><" in notice
    assert "price" not in notice


def test_stale_edit_error_has_one_full_stop(boss):
    override = overrides.save(override=EmailOverride(template="welcome", **CONTENT), by=None)
    overrides.save(override=override, by=None)
    data = {**CONTENT, "is_active": "on", "opened_with": "1"}
    refused = boss.post(path("emailoverride_change", override.pk), data).content.decode()
    assert re.search(r"after you opened it \([^)]+\)\. Open it again", refused)


@pytest.mark.parametrize("name", ["emailoverride", "smstemplate"])
def test_restoring_an_unknown_version_is_an_error(boss, name):
    SmsTemplate.objects.create(name="lunch", content="Lunch")
    overrides.save(override=EmailOverride(template="welcome", **CONTENT), by=None)
    thing = {"emailoverride": EmailOverride, "smstemplate": SmsTemplate}[name].objects.last()
    answer = boss.post(path(f"{name}_versions", thing.pk), {"number": "99"}, follow=True)
    assert [(str(one), one.level_tag) for one in answer.context["messages"]] == [("There is no such version.", "error")]


def test_lifting_a_lifted_suppression_is_a_warning(boss):
    row = Suppression.objects.create(channel="sms", address=NUMBER)
    data = {"action": "lift", "_selected_action": [row.pk], "confirmed": "1"}
    levels = [
        [one.level_tag for one in boss.post(path("suppression_changelist"), data, follow=True).context["messages"]]
        for _time in range(2)
    ]
    assert levels == [["success"], ["warning"]]
