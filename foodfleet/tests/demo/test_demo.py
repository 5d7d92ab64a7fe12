"""The demo company is complete, sends nothing and keeps away from production."""

from itertools import islice
from random import Random

import pytest
from django.core import mail
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from accounts.models import ApiKey, MFAReset, User
from foodfleet.core.models import HourlyCount
from foodfleet.demo import names
from foodfleet.demo.people import PASSWORD, Company, _user, sign_in_address
from notifications.gateways import mailbox
from notifications.models import Message, Suppression, WebhookEndpoint
from notifications.states import FINISHED, Channel, Status
from rbac.models import RoleAssignment
from rbac.permissions import ROLES

pytestmark = pytest.mark.django_db


@pytest.fixture
def development(settings):
    settings.DEBUG = True


def test_the_demo_company_has_every_state_and_leaves_nothing_to_send(development, sign_in):
    call_command("demo", people=250)
    people, now = User.objects.people(), timezone.now()
    assert people.count() == 250
    for some in (
        people.filter(locked_at__isnull=False), people.filter(deleted_at__isnull=False), people.filter(is_active=False),
        people.filter(invited_at__isnull=False, email_verified_at=None), people.with_mfa(), people.locked_out(now),
        ApiKey.objects.live(now), Suppression.objects.live(), MFAReset.objects.open(), HourlyCount.objects.all(),
        RoleAssignment.objects.exclude(scope=""),
    ):  # fmt: skip
        assert some.exists(), some.query
    assert set(Message.objects.values_list("status", flat=True)) == set(FINISHED)
    assert not WebhookEndpoint.objects.active().exists()
    assert not mail.outbox
    assert not mailbox.newest_first()
    for user in people.filter(deleted_at=None):
        user.clean_fields(exclude=["password"])  # staff can save each of them
    for role in ROLES:
        sign_in(sign_in_address(role.name), PASSWORD)


def people_of(seed):
    """Who is made with this seed; they are removed again."""
    with transaction.atomic():
        call_command("demo", people=20, seed=seed)
        found = list(User.objects.people().order_by("pk").values_list("email", "first_name", "phone", "is_active"))
        call_command("demo", people=20, seed=seed + 1)
        assert User.objects.people().count() == len(found), "a second call creates nothing"
        transaction.set_rollback(True)
    return found


@pytest.mark.once
def test_a_seed_makes_the_same_people_and_only_once(development):
    assert people_of(1) == people_of(1) != people_of(3)


@pytest.mark.once
def test_the_demo_company_stays_out_of_production_and_of_other_data(settings, user):
    with pytest.raises(CommandError, match="production"):
        call_command("demo", people=20)
    settings.DEBUG = True
    with pytest.raises(CommandError, match="1 other account"):
        call_command("demo", people=20)
    assert User.objects.count() == 1
    assert not Message.objects.filter(channel=Channel.EMAIL, status=Status.SENT).exists()


@pytest.mark.once
def test_nobody_of_the_demo_is_locked_before_they_came_or_signs_in_then():
    company = Company(Random(1), timezone.now())
    made = [_user(company, name, "") for name in islice(names.people(company.random), 4_000)]
    locked = [user for user in made if user.locked_at is not None]
    assert locked
    for user in locked:
        assert user.created_at <= (user.last_login or user.created_at) <= user.locked_at
