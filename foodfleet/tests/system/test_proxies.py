"""The settings for nginx in docs/proxy.md, with a real nginx in front of `make serve`."""

import json
import re
import shutil
import ssl
import subprocess
from contextlib import closing
from http.client import HTTPSConnection

import pytest
import requests

from foodfleet.tests import processes

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
pytestmark = [pytest.mark.once, pytest.mark.skipif(not shutil.which(NGINX), reason="nginx is not installed")]
HOST = "accounts.example.com"


@pytest.fixture
def ports(start, sqlite_url, tmp_path):
    """The ports of nginx and of the server behind it."""
    port, tls_port = processes.free_port(), processes.free_port()
    values = {"PUBLIC_URL": f"https://{HOST}", "TRUSTED_PROXIES": "127.0.0.1", "DATABASE_URL": sqlite_url}
    start("web", processes.web_command(port), **values)
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", f"/CN={HOST}", "-keyout", key,
         "-out", certificate],
        check=True, capture_output=True,
    )  # fmt: skip
    text = (processes.ROOT / "docs" / "proxy.md").read_text()
    server = re.search(r"```nginx\n(.+?)```", text, re.DOTALL)[1]
    server = server.replace("listen 443 ssl;", f"listen 127.0.0.1:{tls_port} ssl;").replace(":8000", f":{port}")
    server = re.sub(r"# ssl_certificate .*", f"ssl_certificate {certificate}; ssl_certificate_key {key};", server)
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = tmp_path / "nginx.conf"
    config.write_text(f"daemon off; pid {tmp_path}/pid; events {{}} http {{ access_log off; {temporary}\n{server} }}")
    start("nginx", [NGINX, "-e", "stderr", "-c", str(config)])
    processes.wait_until(lambda: requests.get(f"http://127.0.0.1:{port}/health/live/", timeout=2).ok, what="the start")
    processes.wait_until((tmp_path / "pid").exists, what="nginx's start")
    return tls_port, tmp_path / "web.log"


def call(port, path, **headers):
    context = ssl._create_unverified_context()
    with closing(HTTPSConnection("127.0.0.1", port, timeout=20, context=context)) as connection:
        connection.request("GET", path, headers={"Host": HOST, **headers})
        answer = connection.getresponse()
        answer.read()
        return answer.status, answer.headers


def test_nginx_as_documented_passes_https_and_the_clients_address(ports):
    port, log = ports
    status, headers = call(port, "/login/", **{"X-Forwarded-For": "6.6.6.6", "X-Request-ID": "through-nginx"})
    assert status == 200  # and no redirect to HTTPS, which would never end
    assert "Strict-Transport-Security" in headers
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    (line,) = [line for line in lines if line.get("request_id") == "through-nginx"]
    assert line["ip"] == "127.0.0.1"
    assert call(port, "/metrics")[0] == 404
