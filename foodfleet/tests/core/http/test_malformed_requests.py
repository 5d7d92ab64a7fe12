"""Malformed requests to every URL never get a 500."""

import re
import time

import pytest
from django.db import transaction
from django.test import Client as Browser

from foodfleet.tests.routes.endpoints import ENDPOINTS
from foodfleet.tests.routes.test_endpoints import fill

pytestmark = [pytest.mark.django_db, pytest.mark.once]
# One field with a lone surrogate in UTF-7, which no database stores, in fields that most forms have.
FORM = "&".join(f"{name}=%2B2AA-" for name in ("email", "password", "first_name", "code", "language", "name")).encode()
PART = 'Content-Disposition: form-data; name="first_name"'
MULTIPART = f"--x\r\n{PART}\r\n\r\nAnn\r\n--x--\r\n".encode()
BODIES = {
    "multipart without a boundary": ("multipart/form-data", MULTIPART),
    "multipart with an empty boundary": ("multipart/form-data; boundary=", MULTIPART),
    "multipart with a boundary beyond ASCII": ("multipart/form-data; boundary=\u00e9", MULTIPART),
    "multipart with a boundary of 300 letters": (f"multipart/form-data; boundary={'x' * 300}", MULTIPART),
    "multipart that is cut off": ("multipart/form-data; boundary=x", MULTIPART[:-20]),
    "a file's name in UTF-7": (
        "multipart/form-data; boundary=x",
        MULTIPART.replace(b'name="first_name"', b"name=\"file\"; filename*=utf-7''%2B2AA-"),
    ),
    "a field's name in a charset that is none": (
        "multipart/form-data; boundary=x",
        MULTIPART.replace(b'name="first_name"', b"name*=nonsense''x"),
    ),
    "a form in UTF-7": ("application/x-www-form-urlencoded; charset=utf-7", FORM),
    "a form in a codec that is no charset": ("application/x-www-form-urlencoded; charset=hex", FORM),
    "a form in a charset that is none": ("application/x-www-form-urlencoded; charset=nonsense", FORM),
}
NUMBERS = [str(2**63), "9" * 5000, "%00", "\u0664\u0662"]
QUERIES = {
    "admin/": {"p": "9" * 23, "o": "9" * 23, "id__exact": "9" * 23},
    "api/": {"page_size": "9" * 23, "cursor": "%ff", "user": "9" * 23},
}


@pytest.fixture(autouse=True)
def _with_the_mailbox(settings):
    settings.ROOT_URLCONF = "foodfleet.tests.development_urls"


@pytest.fixture
def browsers(make_user):
    """Nobody, and somebody who may do everything; with and without the check that a form came from our page."""
    root = make_user("root@example.com", is_superuser=True, is_staff=True)
    found = [Browser(raise_request_exception=False, enforce_csrf_checks=checks) for checks in (True, False, False)]
    found[2].force_login(root)
    return found


def addresses():
    return sorted({endpoint.address for endpoint in ENDPOINTS})


def broken(calls):
    """The names of `calls` that end in a 500; changes of each call are rolled back."""
    found = []
    for name, ask in calls:
        point = transaction.savepoint()
        status = ask().status_code
        if status >= 500:
            found.append((status, *name))
        transaction.savepoint_rollback(point)
    return found


@pytest.mark.parametrize(("content_type", "body"), BODIES.values(), ids=BODIES)
def test_a_form_that_cannot_be_read_is_refused(browsers, content_type, body):
    forms = [endpoint for endpoint in ENDPOINTS if endpoint.method in {"POST", "any"}]
    calls = [
        ((str(endpoint), number), lambda b=browser, e=endpoint: b.generic("POST", fill(e.address), body, content_type))
        for endpoint in forms
        for number, browser in enumerate(browsers)
        if endpoint.is_public or browser is browsers[2]  # everybody else is asked to sign in
    ]
    assert broken(calls) == []


def test_a_form_in_utf_8_may_say_so(client, user):
    form = "email=ann%40example.com&password=wrong"
    answer = client.generic("POST", "/login/", form, "application/x-www-form-urlencoded; charset=UTF-8")
    assert answer.status_code == 401


@pytest.mark.parametrize("number", NUMBERS)
def test_an_id_that_no_row_can_have_breaks_nothing(browsers, number):
    paths = {"/" + re.sub(r"<\w+>", lambda _: number, address) for address in addresses() if "<" in address}
    calls = [
        ((path[:60], method), lambda p=path, m=method: browsers[2].generic(m, p, b"{}", "application/json"))
        for path in sorted(paths)
        for method in ("GET", "POST")
    ]
    assert broken(calls) == []


def test_an_id_that_no_row_can_have_is_not_found_in_the_admin(browsers):
    assert browsers[2].get(f"/admin/rbac/role/{'9' * 23}/change/").status_code == 404
    assert browsers[2].get(f"/account/sessions/{'9' * 23}/end/").status_code == 404


@pytest.mark.parametrize("kind", ["user", "service-account", "role", "scope", "webhook"])
def test_an_id_that_no_row_can_have_is_not_found_in_the_api(browsers, kind):
    answer = browsers[2].get(f"/api/v1/{kind}s/{2**63}/")
    assert (answer.status_code, answer.json()["code"].endswith("not_found")) == (404, True)


def test_a_query_that_means_nothing_breaks_nothing(browsers):
    calls = [
        ((address, name), lambda a=address, n=name, v=value: browsers[2].get(f"{fill(a)}?{n}={v}"))
        for start, query in QUERIES.items()
        for address in addresses()
        if address.startswith(start) and "<" not in address
        for name, value in query.items()
    ]
    assert len(calls) > 100
    assert broken(calls) == []


def test_an_action_of_the_admin_on_rows_that_cannot_be_breaks_nothing(browsers):
    lists = [
        f"/{address.removesuffix('add/')}" for address in addresses() if re.fullmatch(r"admin/\w+/\w+/add/", address)
    ]
    rows = {"_selected_action": ["9" * 23, "x", "-1"], "index": "0", "select_across": "0"}
    calls = []
    for path in lists:
        page = browsers[2].get(path).content.decode()
        for action in re.findall(r'<option value="(\w+)">', page):
            calls.append(((path, action), lambda p=path, a=action: browsers[2].post(p, {**rows, "action": a})))
    assert calls
    assert broken(calls) == []


def test_a_static_path_with_a_nul_is_not_found(client):
    assert client.get("/static/%00.css").status_code in {400, 404}


@pytest.mark.parametrize("path", ["/login/", "/api/v1/auth/login/", "/admin/"])
def test_quoted_cookies_cost_no_time(client, path):
    started = time.process_time()
    answer = client.get(path, headers={"cookie": 'sessionid="' + "\\0" * 25_000 + '"'})
    assert answer.status_code == 431
    assert time.process_time() - started < 1
