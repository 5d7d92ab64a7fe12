"""The product as operators run it: real processes, real services, and Amazon as moto plays it."""

import email
import json
import re
from email import policy
from urllib.parse import urlsplit

import boto3
import pyotp
import pytest
import requests

from conftest import PASSWORD
from foodfleet.tests import environment, processes

AWS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "amazons-own-secret", "AWS_REGION": "us-east-1"}
DATABASE_PASSWORD = "a-password-that-nobody-checks"
WEBS_FIGURE = 'foodfleet_sign_ins_total{outcome="success"} 2'
WORKERS_FIGURE = 'foodfleet_message_moves_total{channel="email",state="sent"} '
REQUEST_ID = "follow-me-to-amazon"


@pytest.fixture
def amazon(start):
    """moto's server with a confirmed sender; gives its address."""
    port = processes.free_port()
    address = f"http://127.0.0.1:{port}"
    start("moto", processes.moto_command(port))
    processes.wait_until(lambda: requests.get(f"{address}/moto-api/", timeout=2).ok, what="moto's start")
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    ses = boto3.client("ses", endpoint_url=address, region_name="us-east-1", **keys)
    ses.verify_email_identity(EmailAddress="no-reply@foodfleet.example")
    return address


def sent_by(amazon):
    """What Amazon got, as it recorded it."""
    return requests.get(f"{amazon}/moto-api/data.json", timeout=5).json().get("ses", {}).get("RawMessage", [])


def mails(amazon):
    """What Amazon got, parsed."""
    return [email.message_from_string(entry["raw_data"], policy=policy.default) for entry in sent_by(amazon)]


def caller(address, **headers):
    """A function that posts to the API."""
    return lambda path, **body: requests.post(f"{address}/api/v1{path}", json=body, headers=headers, timeout=20)


def walk_through_the_first_session(address, token_of_mail):
    """Register, confirm, sign in, call, refresh: what the README shows. Returns every secret of it."""
    post = caller(address, **{"X-Request-ID": REQUEST_ID})
    assert post("/auth/register/", email="ann@example.com", password=PASSWORD).status_code == 202
    token = token_of_mail()
    assert post("/auth/email/verify/", token=token).status_code == 204
    tokens = post("/auth/login/", email="ann@example.com", password=PASSWORD).json()
    me = requests.get(
        f"{address}/api/v1/users/me/", headers={"Authorization": f"Bearer {tokens['access']}"}, timeout=20
    )
    assert me.json()["email"] == "ann@example.com"
    refreshed = post("/auth/refresh/", refresh=tokens["refresh"])
    assert refreshed.status_code == 200
    return [PASSWORD, token, *_tokens_of(tokens), *_tokens_of(refreshed.json())]


def _tokens_of(answer):
    return [answer["access"], answer["refresh"]]


def set_up_two_factor_authentication(address, access):
    """Turn it on, sign in with a backup code, try links and queries with secrets. Returns every secret of it."""
    post = caller(address, Authorization=f"Bearer {access}")
    secret = post("/auth/2fa/setup/", password=PASSWORD).json()["secret"]
    codes = post("/auth/2fa/verify/", code=pyotp.TOTP(secret).now()).json()["backup_codes"]
    challenge = post("/auth/login/", email="ann@example.com", password=PASSWORD).json()["challenge"]
    wrong, link = "a-wrong-Passw0rd-of-anns", "Zb3k9QmXv2LrT8wYpN4dHs7uJf6gCa1eKx5oVi0tEyM"
    post("/auth/login/", email="ann@example.com", password=wrong)
    tokens = post("/auth/login/verify/", challenge=challenge, method="backup_code", code=codes[0]).json()
    for path in (f"/password/reset/{link}/", f"/api/v1/users/me/?access_token={tokens['access']}"):
        requests.get(f"{address}{path}", timeout=20)
    return [secret, *codes, challenge, wrong, link, *_tokens_of(tokens)]


def traced_calls(collector):
    """What the traces of the request with REQUEST_ID and of its task show: routes, databases, calls of Amazon."""
    spans = [(span.name, collector.attributes(span)) for span in collector.spans()]
    mine = [(name, found) for name, found in spans if found.get("foodfleet.request_id") == REQUEST_ID]
    return {found.get("db.system", name) for name, found in mine}


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.broker
def test_the_first_session_on_postgres_redis_a_worker_and_ses(broker_url, postgres_url, start, amazon, collector):
    values = {
        **AWS,
        **collector.variables,
        "DATABASE_URL": urlsplit(postgres_url)._replace(netloc=f"postgres:{DATABASE_PASSWORD}@127.0.0.1").geturl(),
        "REDIS_URL": environment.REDIS_URL,
        "CELERY_BROKER_URL": broker_url,
        "EMAIL_URL": "amazonses://",
        "AWS_ENDPOINT_URL": amazon,
        "EMAIL_MAX_PER_SECOND": "50",
    }
    processes.collect_static(**values)
    port = processes.free_port()
    address = f"http://127.0.0.1:{port}"
    commands = {
        "worker": processes.worker_command(),
        "beat": processes.beat_command(),
        "web": [processes.sys.executable, "-m", "foodfleet", "serve", "--port", str(port)],
    }
    running = [start(name, command, **values) for name, command in commands.items()]
    ready = lambda: requests.get(f"{address}/health/ready/", timeout=5)  # noqa: E731
    state = processes.wait_until(lambda: (answer := ready()).ok and answer.json(), what="readiness")
    assert state["status"] == "ok"
    assert state["checks"] == {"database": "ok", "cache": "ok", "broker": "ok"}
    assert state["migrations"] == "ok"

    def token_of_mail():
        mail = processes.wait_until(lambda: mails(amazon), what="the mail")[0]
        assert mail["To"] == "ann@example.com"
        text = mail.get_body(("plain",)).get_content()
        assert "<a" in mail.get_body(("html",)).get_content()
        return re.search(r"/email/verify/([\w-]+)/", text)[1]

    secrets = walk_through_the_first_session(address, token_of_mail)
    secrets += set_up_two_factor_authentication(address, secrets[-2])
    processes.wait_until(lambda: len(mails(amazon)) > 1, what="the mail on two-factor authentication")
    counted = lambda: WORKERS_FIGURE in (text := requests.get(f"{address}/metrics", timeout=5).text) and text  # noqa: E731
    assert WEBS_FIGURE in processes.wait_until(counted, what="a scrape with the worker's figures")
    for process in running:
        process.stop()
    output = "".join(process.log.read_text() for process in running)
    secrets += [processes.SECRET_KEY, AWS["AWS_SECRET_ACCESS_KEY"], DATABASE_PASSWORD]
    assert [secret for secret in secrets if secret in output] == []
    lines = [json.loads(line) for line in output.splitlines()]
    assert "notifications.sweep" not in output, "an idle installation logs a job of beat every few seconds"
    followed = {line["event"]: line for line in lines if line.get("request_id") == REQUEST_ID}
    assert {"request_finished", "task_enqueued", "task_started", "message_sent"} <= followed.keys()
    assert followed["message_sent"]["provider_message_id"] in {entry["id"] for entry in sent_by(amazon)}
    assert traced_calls(collector) >= {"POST api/v1/auth/register/", "postgresql", "redis", "SES.SendRawEmail"}
    assert followed["request_finished"]["trace_id"] in {span.trace_id.hex() for span in collector.spans()}
    assert [secret for secret in [*secrets, "ann@example.com"] if secret in collector.text()] == []


@pytest.mark.once
def test_the_first_session_on_sqlite_and_files_alone(start, sqlite_url, tmp_path):
    values = {"DATABASE_URL": sqlite_url, "EMAIL_URL": f"filemail://{tmp_path}/mail"}
    port = processes.free_port()
    address = f"http://127.0.0.1:{port}"
    start("web", ["make", "serve"], PORT=str(port), WEB_CONCURRENCY="2", **values)
    processes.wait_until(lambda: requests.get(f"{address}/health/ready/", timeout=5).ok, what="readiness")

    def token_of_mail():
        files = processes.wait_until(lambda: sorted((tmp_path / "mail").glob("*")), what="the mail")
        mail = email.message_from_string(files[0].read_text(), policy=policy.default)
        return re.search(r"/email/verify/([\w-]+)/", mail.get_body(("plain",)).get_content())[1]

    walk_through_the_first_session(address, token_of_mail)


@pytest.mark.once
def test_the_first_session_on_sqs_and_ses(start, sqlite_url, amazon):
    values = {
        **AWS,
        "DATABASE_URL": sqlite_url,
        "CELERY_BROKER_URL": "sqs://",
        "EMAIL_URL": "amazonses://",
        "AWS_ENDPOINT_URL": amazon,
        "EMAIL_MAX_PER_SECOND": "50",
    }
    port = processes.free_port()
    address = f"http://127.0.0.1:{port}"
    start("worker", processes.worker_command(), **values)
    start("beat", processes.beat_command(), **values)
    start("web", processes.web_command(port), **values)
    ready = lambda: requests.get(f"{address}/health/ready/", timeout=5)  # noqa: E731
    is_alive = lambda: (answer := ready()).ok and answer.json()["delivery"]["state"] == "ok"  # noqa: E731
    processes.wait_until(is_alive, what="a sweep that beat called for")
    assert ready().json()["checks"]["broker"] == "ok"

    def token_of_mail():
        mail = processes.wait_until(lambda: mails(amazon), what="the mail")[0]
        return re.search(r"/email/verify/([\w-]+)/", mail.get_body(("plain",)).get_content())[1]

    walk_through_the_first_session(address, token_of_mail)


@pytest.mark.once
def test_ready_tells_which_part_is_away(start, tmp_path):
    nobody = processes.free_port()
    values = {
        "DATABASE_URL": f"postgres://nobody@127.0.0.1:{nobody}/none",
        "REDIS_URL": f"redis://127.0.0.1:{nobody}/0",
        "CELERY_BROKER_URL": f"amqp://127.0.0.1:{nobody}//",
    }
    port = processes.free_port()
    address = f"http://127.0.0.1:{port}"
    start("web", processes.web_command(port), **values)
    processes.wait_until(lambda: requests.get(f"{address}/health/live/", timeout=5).ok, what="the start")
    answer = requests.get(f"{address}/health/ready/", timeout=20)
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "unavailable", "cache": "unavailable", "broker": "unavailable"}
    refused = requests.post(f"{address}/api/v1/auth/login/", json={"email": "a@b.example", "password": "x"}, timeout=20)
    assert (refused.status_code, refused.json()["code"]) == (503, "service_unavailable")
    assert refused.headers["Retry-After"]


@pytest.mark.once
def test_the_embedded_product_shows_its_first_administrator_once(start, tmp_path):
    values = {"DATABASE_URL": f"sqlite:///{tmp_path}/fleet.sqlite3", "DEBUG": "true", "ADMIN_REQUIRE_2FA": "false"}
    logs = []
    for attempt in ("first", "second"):
        port = processes.free_port()
        address = f"http://127.0.0.1:{port}"
        command = [processes.sys.executable, "manage.py", "run_embedded", f"127.0.0.1:{port}"]
        process = start(attempt, command, **values)
        processes.wait_until(lambda a=address: requests.get(f"{a}/health/ready/", timeout=5).ok, what="readiness")
        process.stop()
        logs.append(process.log.read_text())
    password = re.search(r"password  (\S+)", logs[0])[1]
    assert len(password) >= 20
    assert "password" not in logs[1]
