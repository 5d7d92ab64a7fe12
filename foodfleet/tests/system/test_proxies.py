"""The settings for nginx and Caddy in docs/proxy.md, with the real programs in front of `make serve`."""

import json
import socket
import ssl
from contextlib import closing
from http.client import HTTPSConnection

import pytest
import requests

from foodfleet.tests import processes
from foodfleet.tests.system import documented

pytestmark = pytest.mark.once
HOST = documented.HOST


def nginx(folder, port, tls_port):
    return documented.nginx(folder, tls_port, [port])


def caddy(folder, port, tls_port):
    """The command, with the test's certificate instead of one from Let's Encrypt."""
    config = folder / "Caddyfile"
    text = documented.block("proxy", "caddyfile").replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    text = text.replace("{\n", f"{{\n    admin off\n    auto_https disable_redirects\n    https_port {tls_port}\n", 1)
    tls = f"bind 127.0.0.1\n    tls {folder}/certificate.pem {folder}/key.pem"
    config.write_text(text.replace(f"{HOST} {{", f"{HOST} {{\n    {tls}"))
    return [documented.program("caddy"), "run", "--config", str(config), "--adapter", "caddyfile"]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxy(request, start, sqlite_url, tmp_path):
    """The port of a proxy before a server, and the server's log."""
    port, tls_port = processes.free_port(), processes.free_port()
    command = request.param(tmp_path, port, tls_port)
    values = {"PUBLIC_URL": f"https://{HOST}", "TRUSTED_PROXIES": "127.0.0.1", "DATABASE_URL": sqlite_url}
    start("web", processes.web_command(port), **values)
    documented.make_certificate(tmp_path)
    start("proxy", command, HOME=str(tmp_path))
    processes.wait_until(lambda: requests.get(f"http://127.0.0.1:{port}/health/live/", timeout=2).ok, what="the start")
    processes.wait_until(lambda: listens(tls_port), what="the start of the proxy")
    return tls_port, tmp_path / "web.log"


def listens(port):
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", port)) == 0


def call(port, path, **headers):
    context = ssl._create_unverified_context()
    with closing(HTTPSConnection(HOST, port, timeout=20, context=context)) as connection:
        connection._create_connection = lambda *ignored: socket.create_connection(("127.0.0.1", port), 20)
        connection.request("GET", path, headers={"Host": HOST, **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers


def test_a_proxy_as_documented_passes_https_and_the_clients_address(proxy):
    port, log = proxy
    status, headers = call(port, "/login/", **{"X-Forwarded-For": "6.6.6.6", "X-Request-ID": "through-a-proxy"})
    assert status == 200  # and no redirect to HTTPS, which would never end
    assert "Strict-Transport-Security" in headers
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == "through-a-proxy"]
    assert line["ip"] == "127.0.0.1"
    assert call(port, "/metrics")[0] == 404
