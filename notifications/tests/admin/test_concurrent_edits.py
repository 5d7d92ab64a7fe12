"""Concurrent edits of templates in the admin and the API."""

from threading import Thread
from time import monotonic, sleep

import pytest
from django.db import connection, connections, transaction
from django.urls import reverse

from notifications.models import EmailOverride, SmsTemplate
from notifications.services.templates import overrides, sms_templates

pytestmark = pytest.mark.django_db


def opened(client, path):
    form = client.get(path).context["adminform"].form
    return {name: form[name].value() or "" for name in form.fields}


def test_stale_edit_does_not_overwrite_an_sms_template(boss, make_user):
    template = SmsTemplate.objects.get(name="2fa_code")
    path = reverse("admin:notifications_smstemplate_change", args=[template.pk])
    data = {**opened(boss, path), "translations": "{}"}
    template.content = "Theirs {{code}}"
    sms_templates.save(template=template, by=make_user("eve@example.com", is_superuser=True))
    refused = boss.post(path, {**data, "content": "Mine {{code}}"})
    assert "eve@example.com saved this after you opened it" in refused.content.decode()
    assert "Mine {{code}}" in refused.content.decode()
    assert SmsTemplate.objects.get(pk=template.pk).content == "Theirs {{code}}"
    data = {**opened(boss, path), "translations": "{}"}
    assert boss.post(path, {**data, "content": "Mine {{code}}"}).status_code == 302
    assert SmsTemplate.objects.get(pk=template.pk).content == "Mine {{code}}"


def test_size_is_shown_once_for_each_language(boss):
    template = SmsTemplate.objects.create(name="hello", content="Hello", translations={"en": "Hi", "de": "Hallo"})
    shown = boss.get(reverse("admin:notifications_smstemplate_change", args=[template.pk])).context["preview"]
    assert [one["code"] for one in shown["messages"]] == ["en", "de"]


def test_stale_edit_does_not_overwrite_an_override(boss, make_user):
    words = {
        "template": "welcome",
        "language": "en",
        "subject": "A",
        "html": '<a href="{{ link }}">x</a>',
        "text": "{{ link }}",
    }
    override = overrides.save(override=EmailOverride(**words), by=None)
    path = reverse("admin:notifications_emailoverride_change", args=[override.pk])
    data = opened(boss, path)
    override.subject = "Theirs"
    overrides.save(override=override, by=make_user("eve@example.com", is_superuser=True))
    refused = boss.post(path, {**data, "subject": "Mine"})
    assert "eve@example.com saved this after you opened it" in refused.content.decode()
    assert EmailOverride.objects.get().subject == "Theirs"


def taken_between_check_and_save(row, save):
    """What `save` answers when `row` is committed after its checks, while its own row waits for that one."""
    answers = []

    def run():
        try:
            answers.append(save())
        finally:
            connections.close_all()

    with transaction.atomic():
        row.save()
        saving = Thread(target=run)
        saving.start()
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        until = monotonic() + 10
        with connection.cursor() as cursor:
            while monotonic() < until:
                cursor.execute(waiting)
                if cursor.fetchone()[0]:
                    break
                sleep(0.01)
    saving.join(10)
    return answers[0]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_name_taken_after_validation_is_an_api_error(api, make_user):
    api.force_authenticate(make_user("boss@example.com", is_superuser=True))
    body = {"name": "hello", "content": "Mine"}
    answer = taken_between_check_and_save(
        SmsTemplate(name="hello", content="Theirs"),
        lambda: api.post("/api/v1/sms-templates/", body, format="json"),
    )
    assert (answer.status_code, list(answer.json()["details"])) == (422, ["name"])


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_override_created_after_validation_is_a_form_error(boss):
    words = {"template": "welcome", "language": "de", "subject": "Hi", "html": "{{ link }}", "text": "{{ link }}"}
    answer = taken_between_check_and_save(
        EmailOverride(**words), lambda: boss.post(reverse("admin:notifications_emailoverride_add"), words)
    )
    assert "This mail has an override in this language already." in answer.content.decode()
