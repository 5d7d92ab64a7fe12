"""The settings for nginx and Caddy in docs/proxy.md, with the real programs in front of `make serve`."""

import json
import re
import shutil
import socket
import ssl
import subprocess
from contextlib import closing
from http.client import HTTPSConnection

import pytest
import requests

from foodfleet.tests import processes

pytestmark = pytest.mark.once
HOST = "accounts.example.com"


def documented(language):
    text = (processes.ROOT / "docs" / "proxy.md").read_text()
    return re.search(rf"```{language}\n(.+?)```", text, re.DOTALL)[1]


def nginx(folder, port, tls_port):
    """The command, with a configuration of its own around what is documented."""
    server = documented("nginx").replace("listen 443 ssl;", f"listen 127.0.0.1:{tls_port} ssl;")
    server = server.replace(":8000", f":{port}")
    files = f"ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;"
    server = re.sub(r"# ssl_certificate .*", files, server)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(f"daemon off; pid {folder}/pid; events {{}} http {{ access_log off; {temporary}\n{server} }}")
    return ["nginx", "-e", "stderr", "-c", str(config)]


def caddy(folder, port, tls_port):
    """The command, with the test's certificate instead of one from Let's Encrypt."""
    config = folder / "Caddyfile"
    text = documented("caddyfile").replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    text = text.replace("{\n", f"{{\n    admin off\n    auto_https disable_redirects\n    https_port {tls_port}\n", 1)
    tls = f"bind 127.0.0.1\n    tls {folder}/certificate.pem {folder}/key.pem"
    config.write_text(text.replace(f"{HOST} {{", f"{HOST} {{\n    {tls}"))
    return ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]


@pytest.fixture(params=[nginx, caddy], ids=["nginx", "caddy"])
def proxy(request, start, sqlite_url, tmp_path):
    """The port of a proxy before a server, and the server's log."""
    port, tls_port = processes.free_port(), processes.free_port()
    program, *arguments = request.param(tmp_path, port, tls_port)
    path = shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
    if path is None:
        pytest.skip(f"{program} is not installed")
    values = {"PUBLIC_URL": f"https://{HOST}", "TRUSTED_PROXIES": "127.0.0.1", "DATABASE_URL": sqlite_url}
    start("web", processes.web_command(port), **values)
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", f"/CN={HOST}", "-addext",
         f"subjectAltName=DNS:{HOST}", "-keyout", tmp_path / "key.pem", "-out", tmp_path / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
    start(program, [path, *arguments], HOME=str(tmp_path))
    processes.wait_until(lambda: requests.get(f"http://127.0.0.1:{port}/health/live/", timeout=2).ok, what="the start")
    processes.wait_until(lambda: listens(tls_port), what=f"the start of {program}")
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
