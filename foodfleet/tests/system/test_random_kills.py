"""A process is killed every second under load: no sign-in fails after one retry, and no message is lost."""

import contextlib
import itertools
import random
import signal
import sys
import threading
import time
from collections import Counter

import psycopg
import pytest
import requests

from foodfleet.tests import environment, processes
from foodfleet.tests.system import documented

PASSWORD = "Grill-Fleet-2026!"
WEBS, WORKERS, CLIENTS, SENDERS = 3, 2, 3, 5
ROUNDS = 2  # each kills every process once, in random order
BETWEEN_KILLS = 1.0  # seconds
BETWEEN_CALLS = 0.1  # seconds, of each client
OFF = {f"THROTTLE_{scope}": "off" for scope in ("LOGIN", "REGISTER", "USER")}


class Fleet:
    """Web processes and workers that are killed and started again at once."""

    def __init__(self, start, values):
        self._start, self._values = start, values
        self.ports = {f"web{number}": processes.free_port() for number in range(WEBS)}
        workers = [f"worker{number}" for number in range(WORKERS)]
        self._commands = {
            **{name: processes.web_command(port) for name, port in self.ports.items()},
            **{name: [*processes.worker_command(), "--hostname", f"{name}@%h"] for name in workers},
        }
        self._running = {name: self._begin(name) for name in self._commands}

    def names(self):
        return list(self._commands)

    def kill(self, name):
        """Kill a process and all its children, and start it again."""
        self._running[name].stop(signal.SIGKILL)
        self._running[name] = self._begin(name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for process in self._running.values():
            process.stop(signal.SIGKILL)

    def serves(self, name):
        """Whether the web process answers."""
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.ports[name]}/health/live/", timeout=5).ok

    def can_spare(self, name):
        """Whether another web process serves, or it is a worker, which nobody waits for."""
        return name not in self.ports or any(self.serves(other) for other in self.ports if other != name)

    def _begin(self, name):
        return self._start(f"{name}-{time.monotonic_ns()}", self._commands[name], **self._values)


class Load:
    """Clients that register and sign in through nginx, and repeat once what got no answer or a 5xx."""

    def __init__(self, address, certificate):
        self._address, self._certificate = address, certificate
        self.one_failure = threading.Lock()  # a kill waits for running retries: one retry mends one kill
        self.failed, self.registered = [], []
        self.answers = Counter()
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=[number]) for number in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error):
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _run(self, client):
        for number in itertools.count():
            if self._ended.wait(BETWEEN_CALLS):
                return
            address = f"c{client}-{number}@example.com"
            if self._post("register", 202, email=address, password=PASSWORD):
                self.registered.append(address)
                self._post("login", 200, email=address, password=PASSWORD)

    def _post(self, path, expected, **body):
        """Call once, and once more where that failed; whether one of both was answered as expected."""
        answer = self._try(path, body)
        if answer in {502, 503, 504, None}:
            with self.one_failure:
                self.answers["retried"] += 1
                answer = self._try(path, body)
        self.answers[path, answer] += 1
        if answer != expected:
            self.failed.append((path, answer))
        return answer == expected

    def _try(self, path, body):
        url = f"{self._address}/api/v1/auth/{path}/"
        try:
            return requests.post(url, json=body, timeout=20, verify=self._certificate).status_code
        except requests.RequestException:
            return None


@pytest.fixture
def amazon(start):
    """The address of a simulated SES."""
    port = processes.free_port()
    address = f"http://127.0.0.1:{port}"
    start("amazon", [sys.executable, "benchmarks/fake_amazon.py", "--port", str(port), "--latency", "0.05"])
    processes.wait_until(lambda: requests.get(f"{address}/report", timeout=5).ok, what="Amazon's start")
    return address


@pytest.mark.postgres
@pytest.mark.redis
@pytest.mark.broker
def test_a_kill_each_second_fails_no_sign_in_and_loses_no_mail(broker_url, postgres_url, start, amazon, tmp_path):
    values = {
        **OFF, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_ENDPOINT_URL": amazon,
        "DATABASE_URL": postgres_url, "REDIS_URL": environment.REDIS_URL, "CELERY_BROKER_URL": broker_url,
        "PUBLIC_URL": f"https://{documented.HOST}", "TRUSTED_PROXIES": "127.0.0.1",
        "EMAIL_URL": "amazonses://", "EMAIL_MAX_PER_SECOND": "1000", "EMAIL_LIMIT_ADDRESS": "off",
        "ACCOUNTS_EMAIL_VERIFICATION": "optional",
        "DELIVERY_LEASE_SECONDS": "2", "DELIVERY_SENDERS": str(SENDERS),
    }  # fmt: skip
    processes.collect_static(**values)
    start("beat", processes.beat_command(), **values)
    with Fleet(start, values) as fleet:
        address, certificate = begin_nginx(start, tmp_path, list(fleet.ports.values()))
        for name in fleet.ports:
            processes.wait_until(lambda name=name: fleet.serves(name), what=f"the start of {name}")
        with Load(address, certificate) as load:
            begun = time.monotonic()
            kill_in_turn(fleet, load)
            seconds = round(time.monotonic() - begun)
        processes.wait_until(lambda: set(states(postgres_url)) == {"sent"}, what="the last mail")
    assert load.failed == []
    assert len(load.registered) > CLIENTS
    queued, taken = recipients(postgres_url), mails_of(amazon)
    figures = {
        "kills": ROUNDS * (WEBS + WORKERS),
        "seconds": seconds,
        "twice": (taken - queued).total(),
        **load.answers,
    }
    print(f"{queued.total()} messages, {(queued - taken).total()} lost; {figures}")  # pytest -rP shows it
    assert set(load.registered) <= set(queued)
    assert queued - taken == Counter()
    assert (taken - queued).total() <= ROUNDS * WORKERS * SENDERS  # what was in flight at the kills, twice


def kill_in_turn(fleet, load):
    """Kill every process ROUNDS times, in random order, one each second; always let another web process serve."""
    dice = random.Random(2026)
    for name in [name for _ in range(ROUNDS) for name in dice.sample(fleet.names(), WEBS + WORKERS)]:
        time.sleep(BETWEEN_KILLS)
        processes.wait_until(lambda name=name: fleet.can_spare(name), what="the start of another web process")
        with load.one_failure:
            fleet.kill(name)


def begin_nginx(start, folder, ports):
    """Its address and the file of its certificate."""
    tls_port = processes.free_port()
    documented.make_certificate(folder)
    start("nginx", documented.nginx(folder, tls_port, ports))
    return f"https://127.0.0.1:{tls_port}", folder / "certificate.pem"


def states(postgres_url):
    """The number of messages in each state."""
    with psycopg.connect(postgres_url) as connection:
        return dict(connection.execute("SELECT status, count(*) FROM notifications_message GROUP BY status").fetchall())


def recipients(postgres_url):
    """How many messages were queued to each address."""
    with psycopg.connect(postgres_url) as connection:
        query = 'SELECT "to"->>0, count(*) FROM notifications_message GROUP BY 1'
        return Counter(dict(connection.execute(query).fetchall()))


def mails_of(amazon):
    """How many mails the provider took for each address."""
    report = requests.get(f"{amazon}/report", timeout=5).json()
    return Counter(dict.fromkeys(report["first_taken"], 1) | report["twice"])
