"""Lists of the admin are narrowed by what their filters offer: an address tells nothing that the list does not show."""

import pytest
from django.contrib import admin
from django.urls import reverse

from foodfleet.core.admin.search import model_admins
from notifications.models import Message

pytestmark = pytest.mark.django_db

ADMINS = model_admins(admin.site)
each_admin = pytest.mark.parametrize("model_admin", ADMINS, ids=lambda found: found.opts.model_name)


@pytest.fixture
def boss(client, make_user, settings):
    """A browser of somebody who may do everything."""
    settings.ADMIN_REQUIRE_2FA = False
    client.force_login(make_user("boss@example.com", is_staff=True, is_superuser=True))
    client.raise_request_exception = False
    return client


def path(model_admin):
    return reverse(f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}_changelist")


def is_refused(answer):
    return answer.status_code == 400 or (answer.status_code == 302 and answer["Location"].endswith("?e=1"))


def offered(model_admin):
    """The fields that a list is filtered by, and the parameters of filters that are about no one field."""
    named = [item[0] if isinstance(item, tuple) else item for item in model_admin.list_filter]
    fields = {item for item in named if isinstance(item, str)}
    return fields, {item.parameter_name for item in named if not isinstance(item, str)}


def lookups(model_admin, fields):
    """Of every column outside `fields`, and of every column of what it points to."""
    for field in model_admin.opts.concrete_fields:
        if field.name not in fields:
            yield from (field.name + lookup for lookup in ("", "__regex"))
            others = field.related_model._meta.concrete_fields if field.is_relation else ()
            yield from (f"{field.name}__{other.name}__startswith" for other in others)


@pytest.mark.once
@each_admin
def test_no_column_outside_the_filters_can_be_looked_up(boss, model_admin):
    fields, parameters = offered(model_admin)
    requested = set(lookups(model_admin, fields)) - parameters
    assert requested
    assert [name for name in requested if not is_refused(boss.get(path(model_admin), {name: "1"}))] == []


@pytest.mark.once
@each_admin
def test_a_filter_takes_no_other_lookups_than_its_own(boss, model_admin):
    fields, _parameters = offered(model_admin)
    requested = [field + lookup for field in fields for lookup in ("__regex", "__startswith", "__in", "__year")]
    assert all(is_refused(boss.get(path(model_admin), {name: "("})) for name in requested)


@pytest.mark.once
@each_admin
def test_the_choices_of_each_filter_open(boss, model_admin):
    listed = boss.get(path(model_admin)).context["cl"]
    for spec in listed.filter_specs:
        for choice in list(spec.choices(listed))[:3]:
            assert boss.get(path(model_admin) + choice["query_string"]).status_code == 200


WRONG = [
    "", "(", "9" * 5000, "9" * 25, "2026-13-45", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-23:59",
    "2026-01-01T00:00:00+23:59",
]  # fmt: skip


@each_admin
def test_no_value_of_a_filter_is_an_error_of_the_server(boss, model_admin):
    shown = boss.get(path(model_admin)).context["cl"].filter_specs
    names = [name for spec in shown for name in spec.expected_parameters()] + list(model_admin.extra_lookups)
    requested = [{name: value} for name in names for value in WRONG]
    assert [query for query in requested if boss.get(path(model_admin), query).status_code >= 500] == []


@pytest.mark.parametrize(
    "query",
    [
        {"body_digest__gte": "7"}, {"idempotency_key__startswith": "a"}, {"payload__contains": "a"}, {"subject__regex": "("},
        {"created_at__year": "9" * 11}, {"id__regex": "("}, {"user__password__startswith": "bcrypt"}, {"claim__isnull": "0"},
    ],
)  # fmt: skip
def test_staff_who_may_read_messages_do_not_guess_what_they_may_not_see(client, make_user, allow, settings, query):
    settings.ADMIN_REQUIRE_2FA = False
    reader = make_user("reader@example.com", is_staff=True)
    allow(reader, "notifications:read")
    Message.objects.create(channel="email", to=["ann@example.com"], body_digest="8")
    client.force_login(reader)
    assert is_refused(client.get(reverse("admin:notifications_message_changelist"), query))


def test_messages_are_filtered_by_creation_time(boss):
    Message.objects.create(channel="email", to=["ann@example.com"])
    listed = boss.get(
        reverse("admin:notifications_message_changelist"), {"created_at__gte": "2020-01-01 00:00:00+02:00"}
    )
    assert listed.context["cl"].result_count == 1
    listed = boss.get(reverse("admin:notifications_message_changelist"), {"created_at__gte": "2999-01-01"})
    assert listed.context["cl"].result_count == 0


@pytest.mark.parametrize(
    "name",
    ["notifications_message", "notifications_suppression", "notifications_preference", "accounts_user",
     "accounts_session", "accounts_securityevent", "rbac_roleassignment"],
)  # fmt: skip
def test_a_list_that_may_be_long_is_not_counted_once_a_choice(boss, name):
    shown = boss.get(reverse(f"admin:{name}_changelist"), {"_facets": "True"})
    assert not shown.context["cl"].add_facets
    assert not shown.context["cl"].is_facets_optional  # there is no link to it either
