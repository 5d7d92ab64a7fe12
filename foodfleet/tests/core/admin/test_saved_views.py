"""Staff save views of lists: for themselves, or for everybody who may see the list."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.services.staff import users
from foodfleet.core.http.clients import Client
from foodfleet.core.models import SavedView
from rbac.models import Role
from rbac.services import assignments

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/user/"


@pytest.fixture
def auditor(client, make_user, settings):
    """A client of somebody who sees users, and of whom else is named."""
    settings.ADMIN_REQUIRE_2FA = False

    def sign_in(email, role="Auditor"):
        person = make_user(email, is_staff=True)
        if role:
            assignments.grant(actor=None, user=person, role=Role.objects.get(name=role))
        client.force_login(person)
        return client

    return sign_in


def save(client, name, query, **given):
    return client.post(f"{LIST}views/save/", {"name": name, "query": query, **given}, follow=True)


def shown(client, path=LIST):
    return [view.name for view in client.get(path).context["saved_views"]]


def test_a_view_keeps_filters_search_and_order_and_not_the_page(auditor):
    client = auditor("aud@example.com")
    assert "Save this view" not in client.get(LIST).content.decode()
    listed = client.get(f"{LIST}?locked=yes&q=ann&o=-2")
    assert listed.context["view_form"]["query"].value() == "locked=yes&q=ann&o=-2"
    page = save(client, "Locked Anns", "locked=yes&q=ann&o=-2&p=2")
    assert page.redirect_chain[-1][0] == f"{LIST}?locked=yes&q=ann&o=-2"
    assert 'href="?locked=yes&amp;q=ann&amp;o=-2" aria-current="page"' in page.content.decode()
    save(client, "Locked Anns", "locked=no")
    assert SavedView.objects.get().query == "locked=no", "the same name replaces the view"
    assert shown(client, "/admin/accounts/securityevent/") == []


def test_others_see_a_shared_view_and_only_its_owner_deletes_it(auditor):
    client = auditor("aud@example.com")
    save(client, "Mine", "locked=yes")
    save(client, "Ours", "locked=no", is_shared="on")
    ours = SavedView.objects.get(name="Ours")
    auditor("other@example.com")
    assert shown(client) == ["Ours"]
    assert client.post(f"{LIST}views/{ours.pk}/delete/").status_code == 404
    client.force_login(ours.user)
    assert client.post(f"{LIST}views/{ours.pk}/delete/").status_code == 302
    assert shown(client) == ["Mine"]


def test_who_may_not_see_the_list_neither_saves_nor_deletes_a_view(auditor):
    client = auditor("aud@example.com")
    save(client, "Ours", "locked=no", is_shared="on")
    auditor("outsider@example.com", role="")
    assert save(client, "Mine", "locked=yes").status_code == 403
    assert client.post(f"{LIST}views/{SavedView.objects.get().pk}/delete/").status_code == 403
    assert client.get(f"{LIST}views/save/").status_code == 405


@pytest.mark.once
@pytest.mark.parametrize("given", [("", "q=a"), ("n" * 61, "q=a"), ("A", "q=" + "a" * 1000), ("A\x00", "q=a")])
def test_a_view_without_a_usable_name_or_query_is_refused(auditor, given):
    client = auditor("aud@example.com")
    assert list(save(client, *given).context["messages"])
    assert not SavedView.objects.exists()


def test_saved_views_cost_a_list_one_query(auditor):
    client = auditor("aud@example.com")
    client.get(LIST)
    with CaptureQueriesContext(connection) as queries:
        client.get(f"{LIST}?locked=yes")
    assert len([one for one in queries if "core_savedview" in one["sql"]]) == 1


def test_the_views_of_a_deleted_person_are_deleted(auditor):
    client = auditor("aud@example.com")
    save(client, "Ours", "locked=no", is_shared="on")
    owner = SavedView.objects.get().user
    users.delete(pk=owner.pk, actor=None, client=Client())
    assert not SavedView.objects.exists()
