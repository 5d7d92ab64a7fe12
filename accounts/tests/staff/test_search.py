"""People are found by parts of name, address and phone, whatever the script, case and composition."""

import unicodedata

import pytest
from django.db import connection

from accounts.models import User
from accounts.services.account import profile
from accounts.tests.staff.test_users import emails

pytestmark = pytest.mark.django_db(transaction=True)

USERS = "/api/v1/users/"
ROLES = "/api/v1/roles/"


@pytest.fixture
def people(make_user):
    make_user("jimena.o@example.com", first_name="Jimena", last_name="Ortiz", phone="+4915123456789")
    make_user("k.meyer@foodfleet.example", first_name="Änne", last_name="Straßer")
    make_user("ivan@example.com", first_name="Иван", last_name="Иванов")
    make_user("zoe@faß.example", first_name=unicodedata.normalize("NFD", "Zoë"), last_name="Dupré")


SEARCHES = [
    ("imena", "jimena.o@example.com"),
    ("meyer@food", "k.meyer@foodfleet.example"),
    ("+4915", "jimena.o@example.com"),
    ("+49 151 234", "jimena.o@example.com"),
    ("änne", "k.meyer@foodfleet.example"),
    ("ÄNNE STRASSER", "k.meyer@foodfleet.example"),
    ("straßer", "k.meyer@foodfleet.example"),
    ("иванов", "ivan@example.com"),
    ("ВАНО", "ivan@example.com"),
    ("Zoë", "zoe@faß.example"),
    (unicodedata.normalize("NFD", "DUPRÉ"), "zoe@faß.example"),
    ("zoe@xn--fa-hia.example", "zoe@faß.example"),
]


@pytest.fixture
def boss(api, make_user, sign_in):
    make_user("boss@corp.example", is_superuser=True, is_staff=True)
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {sign_in('boss@corp.example')['access']}")
    return api


@pytest.mark.parametrize(("words", "found"), SEARCHES)
def test_the_api_finds_people_by_any_part(boss, people, words, found):
    assert emails(boss.get(USERS, {"search": words})) == [found]


@pytest.mark.parametrize(("words", "found"), SEARCHES)
def test_the_admin_finds_people_by_any_part(client, boss, people, words, found):
    client.force_login(User.objects.get(email="boss@corp.example"))
    page = client.get("/admin/accounts/user/", {"q": words})
    assert [user.email for user in page.context["cl"].result_list] == [found]


@pytest.mark.parametrize("path", ["accounts/session", "accounts/securityevent", "rbac/roleassignment"])
def test_other_lists_of_the_admin_find_people_by_any_part(client, boss, people, path):
    client.force_login(User.objects.get(email="boss@corp.example"))
    assert client.get(f"/admin/{path}/", {"q": "Änne meyer@food"}).status_code == 200
    assert client.get(f"/admin/{path}/", {"q": "boss@"}).status_code == 200


def changed_by_save(user):
    user.first_name = "Öslem"
    user.save(update_fields=["first_name"])


def changed_by_set(user):
    User.objects.filter(pk=user.pk).update(first_name="Öslem")


def changed_by_service(user):
    profile.change(user=user, first_name="Öslem", last_name="", language="")


def made_all_at_once(user):
    User.objects.filter(pk=user.pk).delete()
    User.objects.bulk_create([User(email=user.email, first_name="Öslem")])


@pytest.mark.parametrize("change", [changed_by_save, changed_by_set, changed_by_service, made_all_at_once])
def test_search_follows_each_change(user, change):
    change(user)
    assert [found.email for found in User.objects.search("ösl")] == [user.email]
    assert not User.objects.search("ann lee").exists()


def test_roles_are_found_in_any_spelling(boss):
    boss.post(ROLES, {"name": "Küchenleitung", "description": "Führt Österreich", "permissions": []})
    for words in ("KÜCHEN", unicodedata.normalize("NFD", "österreich"), "leitung führt"):
        answer = boss.get(ROLES, {"search": words}).json()["results"]
        assert [role["name"] for role in answer] == ["Küchenleitung"], words


@pytest.mark.postgres  # trigrams are PostgreSQL's
@pytest.mark.parametrize("words", ["imena", "meyer@food", "+4915", "jo"])
def test_search_may_walk_an_index(db, words):
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("SET enable_indexscan = off")
        try:
            plan = User.objects.search(words).order_by().explain()
        finally:
            cursor.execute("RESET enable_seqscan")
            cursor.execute("RESET enable_indexscan")
    assert "accounts_user_search" in plan
