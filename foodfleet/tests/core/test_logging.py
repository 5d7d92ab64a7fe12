"""Logs: one line a request, and never a secret in it."""

import io
import json
import logging
import shutil
import sys
import time
from logging.config import DictConfigurator

import pytest
import structlog
from celery.apps.worker import safe_say

from conftest import PASSWORD
from foodfleet.core.logging import REDACTED, LoggedStream, logging_config, redact_secrets, redact_text
from notifications.services.untrusted_text import redact

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
LINK_TOKEN = "Zb3k9QmXv2LrT8wYpN4dHs7uJf6gCa1eKx5oVi0tEyM"


@pytest.mark.parametrize(
    "event",
    [
        {"password": "hunter2-secret"},
        {"new_password": "hunter2-secret"},
        {"refresh": "hunter2-secret"},
        {"code": "hunter2-secret"},
        {"backup_codes": ["hunter2-secret"]},
        {"Authorization": "hunter2-secret"},
        {"request": {"headers": {"Cookie": "hunter2-secret"}}},
        {"deep": [{"a": [{"token": "hunter2-secret"}]}]},
        {"path": "/password/reset/hunter2-secret-hunter2-secret-hunter2/"},
        {"url": "https://example.com/?token=hunter2-secret&x=1"},
        {"event": "got Bearer hunter2-secret"},
        {"database": "postgres://foodfleet:hunter2-secret@db.example.com/x"},
        {"error": "could not read eyJhbGciOiJIUzI1NiJ9.hunter2-secret.c2lnbmF0dXJl"},
        {"error": "could not read token_eyJhbGciOiJIUzI1NiJ9.hunter2-secret"},
        {"error": "could not read a.eyJ.eyJhbGciOiJIUzI1NiJ9.hunter2-secret.c2lnbmF0dXJl, and more"},
        {"url": "https://example.com/?x=1&My-Reset-Token-2=hunter2-secret;api_KEY=hunter2-secret#top"},
    ],
)
def test_a_secret_is_redacted_wherever_it_stands(event):
    assert "hunter2-secret" not in json.dumps(redact_secrets(None, "info", event))


@pytest.mark.parametrize(
    "event",
    [
        {"event": "message_sent", "user_id": 7, "path": "/api/v1/users/me/", "status": 200, "duration_ms": 1.5},
        {"request_id": "8d1f0a3e-5f57-4a53-9a10-6f1f2c1e9b52", "token_type": "Bearer", "error_code": "not_found"},
        {"password": "", "token": None},
        {
            "file": "accounts.services.jwt.tokens.py",
            "host": "api.example.com",
            "url": "https://example.com/?page=2&q=eyJ",
        },
    ],
)
def test_what_is_no_secret_stays_readable(event):
    assert redact_secrets(None, "info", dict(event)) == event


@pytest.fixture
def written():
    """What production would write meanwhile, line by line."""
    config = logging_config(level="INFO", output_format="json")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(DictConfigurator(config).configure_formatter(config["formatters"]["structlog"]))
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(before)


def test_a_request_is_one_line_with_all_that_finds_it_again(written, client, user, sign_in):
    access = sign_in()["access"]
    client.get("/api/v1/users/me/?x=1", headers={"Authorization": f"Bearer {access}", "X-Request-ID": "find-me-again"})
    (line,) = [entry for entry in written() if entry["request_id"] == "find-me-again"]
    assert {"method": "GET", "path": "/api/v1/users/me/", "status": 200, "user_id": user.pk}.items() <= line.items()
    assert line["duration_ms"] > 0
    assert line["level"] == "info"


def test_signing_in_leaves_no_secret_in_the_log(written, api, user):
    answer = api.post("/api/v1/auth/login/", {"email": user.email, "password": PASSWORD}).json()
    api.post("/api/v1/auth/refresh/", {"refresh": answer["refresh"]})
    api.get(f"/email/verify/{LINK_TOKEN}/")
    api.get(f"/api/v1/users/me/?token={JWT}", headers={"Authorization": f"Bearer {answer['access']}"})
    text = json.dumps(written())
    assert "/api/v1/auth/login/" in text
    for secret in (PASSWORD, answer["access"], answer["refresh"], LINK_TOKEN, JWT):
        assert secret not in text
    assert REDACTED in text


def processor_time(work):
    """Seconds of processor that this thread needs for it, the least of three tries."""
    took = []
    for _ in range(3):
        began = time.thread_time()
        work()
        took.append(time.thread_time() - began)
    return min(took)


@pytest.mark.once
@pytest.mark.parametrize("redact", [redact_text, redact])
@pytest.mark.parametrize("repeated", [
    "&token", "&token=", "&token-", "eyJ", "eyJaaaaa.", "/eyJ", "a", "a.", ".", "1", "/" + "a" * 40, "/a", "://a:", "://a",
    "a@", "://:", "Bearer ", "bearer", "https://", "https://a", "https%3a%2f%2fx-", "-https%3a%2f%2f", "?a", ";", "%2f",
])  # fmt: skip
def test_redaction_takes_time_in_proportion_to_the_text(redact, repeated):
    """Eight times the text takes about eight times as long; where time grows with the square, 64 times."""
    lengths = (25_000, 200_000)
    short, long = (processor_time(lambda text=(repeated * n)[:n]: redact(text)) for n in lengths)
    assert long < 24 * max(short, 0.001)


@pytest.mark.once
def test_a_path_of_60_kilobytes_is_answered_as_fast_as_any(client):
    paths = [f"/{part * 20_000}"[:60_000] for part in ("abc", "eyJ", "a&token")]
    plain, *others = (processor_time(lambda path=path: client.get(path)) for path in paths)
    assert max(others) < 5 * plain + 0.1


def test_a_second_configuration_reaches_loggers_that_were_used_before():
    logger = structlog.get_logger("used-before")
    logger.debug("first_use")
    logging_config(level="INFO", output_format="json")
    with structlog.testing.capture_logs() as lines:
        logger.info("second_use")
    assert [line["event"] for line in lines] == ["second_use"]


def test_idle_processes_log_neither_probes_nor_jobs_of_beat_that_succeed(written, client):
    client.get("/health/live/")
    tasks = structlog.get_logger("django_structlog.celery.receivers")
    tasks.info("task_succeeded")
    assert written() == []
    client.get("/health/nowhere/")
    tasks.info("task_succeeded", request_id="of-a-request")
    tasks.error("task_failed")
    assert [line["event"] for line in written()] == ["request_finished", "task_succeeded", "task_failed"]


def test_what_a_library_prints_becomes_one_event_for_each_line(written):
    original = io.StringIO()
    print("one", 1, "\n\nBearer hunter2-secret", file=LoggedStream("stdout", original))
    assert [(line["logger"], line["event"]) for line in written()] == [
        ("stdout", "one 1"),
        ("stdout", f"Bearer {REDACTED}"),
    ]
    assert original.getvalue() == ""


def test_a_logged_stream_has_no_descriptor_to_look_for(written, monkeypatch):
    stream = LoggedStream("stdout", io.StringIO())
    safe_say("worker: Warm shutdown (MainProcess)", stream)  # Celery's signal handlers: an error would hit anything
    monkeypatch.setattr(sys, "__stdout__", stream)
    monkeypatch.delenv("COLUMNS", raising=False)
    assert shutil.get_terminal_size((90, 25)).columns == 90  # argparse: of each call_command
    assert not written()
