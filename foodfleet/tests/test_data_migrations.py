"""Data migrations change the rows of an older release."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from accounts.models import User
from notifications.models import Message, Suppression

pytestmark = pytest.mark.django_db
EDITOR = SimpleNamespace(connection=connection)


def run(app, name, function):
    """Run a migration's function on the rows that there are."""
    getattr(import_module(f"{app}.migrations.{name}"), function)(apps, EDITOR)


def test_addresses_get_the_spelling_that_they_are_looked_up_in(make_user):
    user, other, plain = (make_user(f"{name}@example.com") for name in ("ann", "bob", "carl"))
    User.objects.filter(pk=user.pk).update(email="ann@xn--mller-kva.example")
    User.objects.filter(pk=other.pk).update(email="bob@xn--strae-oqa.example")
    run("accounts", "0010_idna_2008", "rewrite")
    assert [User.objects.get(pk=one.pk).email for one in (user, other, plain)] == [
        "ann@müller.example", "bob@straße.example", "carl@example.com"
    ]  # fmt: skip


def test_of_two_accounts_of_one_mailbox_none_is_changed(make_user):
    make_user("ann@müller.example")
    second = make_user("other@example.com")
    User.objects.filter(pk=second.pk).update(email="ann@xn--mller-kva.example")
    run("accounts", "0010_idna_2008", "rewrite")
    assert User.objects.get(pk=second.pk).email == "ann@xn--mller-kva.example"


def test_suppressed_addresses_hold_for_every_spelling():
    for address in ("a@xn--mller-kva.example", "a@müller.example", "b@xn--mller-kva.example"):
        Suppression.objects.create(channel="email", address=address, reason="bounce")
    run("notifications", "0007_idna_2008", "rewrite")
    assert sorted(Suppression.objects.values_list("address", flat=True)) == ["a@müller.example", "b@müller.example"]


def test_digests_that_codes_could_be_guessed_from_are_emptied(monkeypatch):
    migration = import_module("notifications.migrations.0006_no_digests_to_guess_from")
    monkeypatch.setattr(migration, "BATCH", 2)
    Message.objects.bulk_create(Message(channel="sms", to=["+491"], body_digest="x" * 64) for _ in range(5))
    run("notifications", "0006_no_digests_to_guess_from", "empty")
    assert not Message.objects.exclude(body_digest="").exists()
