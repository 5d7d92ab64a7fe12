"""Clients that are generated from the OpenAPI document work: the README's first session, as docs/clients.md writes it."""

import os
import re
import subprocess
import uuid

import pytest
import requests

from foodfleet.tests import processes

pytestmark = pytest.mark.once
PAGE = (processes.ROOT / "docs" / "clients.md").read_text()
IMPORT_ALL = """
import importlib, pkgutil, foodfleet_client
for module in pkgutil.walk_packages(foodfleet_client.__path__, "foodfleet_client."):
    importlib.import_module(module.name)
"""
NODE_MODULES = processes.BIN.parent / "clients" / "node_modules"  # the Makefile fills it


@pytest.fixture
def folder(served, tmp_path):
    """A folder with the document that the server serves."""
    answer = requests.get(f"http://localhost:{served.port}/api/v1/schema/?format=json", timeout=30)
    (tmp_path / "foodfleet.json").write_bytes(answer.content)
    return tmp_path


def run(*command, folder):
    """Run a command that has to succeed; return what it printed."""
    path = f"{processes.BIN}{os.pathsep}{os.environ['PATH']}"
    result = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120, env={**os.environ, "PATH": path}
    )
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout


def session_of(language, served):
    """An own address, and the page's program in this language with it and with the server's port."""
    email, session = f"ann-{uuid.uuid4().hex}@example.com", re.search(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[1]
    assert "localhost:8000" in session
    return email, session.replace("localhost:8000", f"localhost:{served.port}").replace("ann@example.com", email)


def test_a_generated_python_client_runs_the_first_session(served, folder):
    command = re.search(r"^(openapi-python-client generate .*)$", PAGE, re.MULTILINE)[1]
    run(*command.split(), "--fail-on-warning", folder=folder)
    run("python", "-c", IMPORT_ALL, folder=folder)
    email, session = session_of("python", served)
    (folder / "session.py").write_text(session)
    run("mypy", "--config-file=", "--strict", "--follow-imports=silent", "session.py", folder=folder)
    me, tokens = run("python", "session.py", folder=folder).splitlines()
    assert me.startswith("Me(")
    assert f"email='{email}'" in me
    assert "refresh='ey" in tokens


def test_a_generated_typescript_client_runs_the_first_session(served, folder):
    assert NODE_MODULES.is_dir(), "`make test` installs it"
    (folder / "node_modules").symlink_to(NODE_MODULES)
    email, session = session_of("ts", served)
    (folder / "session.mts").write_text(session)
    generate, check = re.findall(r"^npx (.*)$", PAGE, re.MULTILINE)
    assert "--strict" in check
    for command in (generate, check):
        program, *arguments = command.split()
        run("node", NODE_MODULES / ".bin" / program, *arguments, folder=folder)
    assert run("node", "session.mts", folder=folder).splitlines() == [email, "1800"]
