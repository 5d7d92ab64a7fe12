"""Proxies that run with the settings which the documentation shows."""

import re
import shutil
import subprocess

import pytest

from foodfleet.tests import processes

HOST = "accounts.example.com"
PLACES = "/usr/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin"


def block(page, language):
    """The first code block of the page in this language."""
    text = (processes.ROOT / "docs" / f"{page}.md").read_text()
    return re.search(rf"```{language}\n(.+?)```", text, re.DOTALL)[1]


def program(name):
    """The path of an installed program; skips the test without it."""
    return shutil.which(name, path=PLACES) or pytest.skip(f"{name} is not installed")


def make_certificate(folder):
    """Write certificate.pem and key.pem for HOST and 127.0.0.1."""
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", f"/CN={HOST}", "-addext",
         f"subjectAltName=DNS:{HOST},IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "certificate.pem"],
        check=True, capture_output=True,
    )  # fmt: skip


def nginx(folder, tls_port, ports):
    """The command of nginx in front of one server, or of several as docs/scaling.md shows it."""
    server = block("proxy", "nginx").replace("listen 443 ssl;", f"listen 127.0.0.1:{tls_port} ssl;")
    files = f"ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;"
    server, upstream = re.sub(r"# ssl_certificate .*", files, server), ""
    if len(ports) == 1:
        server = server.replace("127.0.0.1:8000", f"127.0.0.1:{ports[0]}")
    else:
        server = server.replace("http://127.0.0.1:8000", "http://foodfleet")
        replacements = iter(ports)
        upstream = re.sub(r"10\.0\.0\.\d+:8000", lambda _: f"127.0.0.1:{next(replacements)}", block("scaling", "nginx"))
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    http = f"access_log off; {temporary}\n{upstream}\n{server}"
    config.write_text(f"daemon off; pid {folder}/pid; events {{}} http {{ {http} }}")
    return [program("nginx"), "-e", "stderr", "-c", str(config)]
