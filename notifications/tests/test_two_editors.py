"""Two who edit the same at once."""

import pytest
from django.urls import reverse

from notifications.models import EmailOverride, SmsTemplate
from notifications.services import overrides, templates

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss(client, make_user, settings):
    """A browser of somebody who may do everything."""
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(make_user("boss@example.com", is_staff=True, is_superuser=True))
    return client


def opened(client, path):
    form = client.get(path).context["adminform"].form
    return {name: form[name].value() or "" for name in form.fields}


def test_a_text_that_somebody_else_saved_meanwhile_is_not_written_over(boss, make_user):
    template = SmsTemplate.objects.get(name="2fa_code")
    path = reverse("admin:notifications_smstemplate_change", args=[template.pk])
    data = {**opened(boss, path), "translations": "{}", "examples": "{}"}
    template.content = "Theirs {{code}}"
    templates.save(template=template, by=make_user("eve@example.com"))
    refused = boss.post(path, {**data, "content": "Mine {{code}}"})
    assert "eve@example.com saved this after you opened it" in refused.content.decode()
    assert "Mine {{code}}" in refused.content.decode()
    assert SmsTemplate.objects.get(pk=template.pk).content == "Theirs {{code}}"
    data = {**opened(boss, path), "translations": "{}", "examples": "{}"}
    assert boss.post(path, {**data, "content": "Mine {{code}}"}).status_code == 302
    assert SmsTemplate.objects.get(pk=template.pk).content == "Mine {{code}}"


def test_the_size_is_told_once_a_language(boss):
    template = SmsTemplate.objects.create(name="hello", content="Hello", translations={"en": "Hi", "de": "Hallo"})
    shown = boss.get(reverse("admin:notifications_smstemplate_change", args=[template.pk])).content.decode()
    assert (shown.count("<div>en: "), shown.count("<div>de: ")) == (1, 1)


def test_a_mail_that_somebody_else_saved_meanwhile_is_not_written_over(boss, make_user):
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
    overrides.save(override=override, by=make_user("eve@example.com"))
    refused = boss.post(path, {**data, "subject": "Mine"})
    assert "eve@example.com saved this after you opened it" in refused.content.decode()
    assert EmailOverride.objects.get().subject == "Theirs"
