"""A browser app on another origin, in Chromium, with nothing but `fetch`."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from conftest import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CALL = """async ([url, method, body, token]) => {
  const headers = {"Content-Type": "application/json"};
  if (token) headers.Authorization = `Bearer ${token}`;
  try {
    const answer = await fetch(url, {method, headers, body: body && JSON.stringify(body)});
    const text = await answer.text();
    return {status: answer.status, id: answer.headers.get("X-Request-ID"), body: text ? JSON.parse(text) : null};
  } catch (error) {
    return {status: 0};
  }
}"""


class EmptyPage(BaseHTTPRequestHandler):
    """The page of the browser app: empty, the test calls from it."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>App</title>")

    def log_message(self, *_args):
        """Print nothing."""


@pytest.fixture
def app_origin():
    """The origin of another server, whose pages are the browser app."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), EmptyPage)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_an_app_on_another_origin_signs_in_and_refreshes(open_browser, site, app_origin, settings, user):
    settings.CORS_ALLOWED_ORIGINS = [app_origin]
    page = open_browser()
    page.goto(app_origin)

    def call(method, path, body=None, token=None):
        return page.evaluate(CALL, [f"{site}/api/v1/{path}", method, body, token])

    wrong = call("POST", "auth/login/", {"email": user.email, "password": "Wrong-Grill-1!"})
    assert (wrong["status"], wrong["body"]["code"]) == (401, "invalid_credentials")
    assert wrong["id"] == wrong["body"]["request_id"]
    signed_in = call("POST", "auth/login/", {"email": user.email, "password": PASSWORD})["body"]
    refreshed = call("POST", "auth/refresh/", {"refresh": signed_in["refresh"]})["body"]
    assert call("GET", "users/me/", token=refreshed["access"])["body"]["email"] == user.email
    changed = call("PATCH", "users/me/", {"first_name": "Anna"}, token=refreshed["access"])
    assert changed["body"]["first_name"] == "Anna"
    settings.CORS_ALLOWED_ORIGINS = []
    assert call("GET", "users/me/", token=refreshed["access"]) == {"status": 0}
