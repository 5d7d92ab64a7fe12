"""Calls over HTTP: FoodFleet beside djoser with simplejwt, fastapi-users, allauth and a bare REST framework view.

Every system gets the same users and two worker processes; rounds of all systems take turns. wrk loads with 16
connections on the same cores as the servers, and check.lua checks every answer.
"""

import http.client
import itertools
import json
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from processes import (
    FOLDER,
    HERE,
    PEER_PYTHON,
    REDIS,
    Server,
    environment_of,
    free_port,
    median_of,
    new_database,
    run,
    stop_all,
)

WORKERS = 2
THREADS = 4
LOGIN_CONNECTIONS = 8
SESSIONS = 600  # of them 100 for `me` and lists, the others for refresh and login
OFF = "100000000/min"  # the throttle still counts
FOODFLEET = {f"THROTTLE_{name}": OFF for name in ("LOGIN", "USER")}
GRANIAN = [PEER_PYTHON, "-m", "granian", "--no-ws", "--workers", WORKERS]
WSGI = [*GRANIAN, "--interface", "wsgi", "--blocking-threads", THREADS, "peers.wsgi:application"]
UVICORN = [PEER_PYTHON, "-m", "uvicorn", "--no-access-log", "--log-level", "warning", "--workers", WORKERS]


def django_peer(site):
    return {"DJANGO_SETTINGS_MODULE": "peers.site", "SITE": site}


@dataclass
class System:
    """A system under load: how it is filled and started, and where it answers what."""

    name: str
    command: list
    filler: list
    env: dict = field(default_factory=dict)
    paths: dict = field(default_factory=dict)
    on: str = "postgres"
    bind: str = "--port={}"
    server: Server | None = None
    data: dict = field(default_factory=dict)

    def start(self, users, sessions):
        database = f"sqlite:///{FOLDER / f'{self.name}.sqlite3'}" if self.on == "sqlite" else new_database(self.name)
        if self.on == "sqlite":
            for file in FOLDER.glob(f"{self.name}.sqlite3*"):
                file.unlink()
        data = run([*self.filler, users, sessions], environment_of(database, **self.env)) if self.filler else {}
        self.serve(database, data)

    def serve(self, database, data):
        """Start the server on a database that is filled. data: what the filler printed."""
        port, self.data = free_port(), data
        command = [*self.command, self.bind.format(port)]
        self.server = Server(self.name, command, environment_of(database, **self.env), port)

    def requests(self, call):
        """Return the requests of a call, one a line as check.lua reads them."""
        path = self.paths[call]
        bearer = "X-Session-Token: " if self.name == "allauth" else "Authorization: Bearer "
        if call in {"me", "list"}:
            tokens = self.data.get("sessions" if self.name == "allauth" else "access", ["none"])
            return [f"GET\t{path}\t{bearer}{token}\t" for token in tokens]
        if call == "refresh":
            return [f"POST\t{path}\tContent-Type: application/json\t{token}" for token in self.data["refresh"]]
        bodies = [_login(self.name, email, self.data["password"]) for email in self.data["logins"]]
        return [f"POST\t{path}\tContent-Type: {kind}\t{body}" for kind, body in bodies]


def _login(system, email, password):
    if system == "fastapi-users":
        return "application/x-www-form-urlencoded", f"username={email}&password={password}"
    name = "username" if system == "djoser" else "email"
    return "application/json", json.dumps({name: email, "password": password})


def foodfleet(name="foodfleet", workers=WORKERS, **env):
    return System(
        name, [sys.executable, "-m", "foodfleet.serve", "--workers", workers],
        [sys.executable, HERE / "prepare_foodfleet.py"], {"REDIS_URL": REDIS, **FOODFLEET, **env},
        {"me": "/api/v1/users/me/", "list": "/api/v1/users/", "refresh": "/api/v1/auth/refresh/",
         "login": "/api/v1/auth/login/"},
    )  # fmt: skip


def djoser(name="djoser"):
    return System(
        name, WSGI, [PEER_PYTHON, "-m", "peers.site"], django_peer("djoser"),
        {"me": "/auth/users/me/", "list": "/auth/users/", "refresh": "/auth/jwt/refresh/",
         "login": "/auth/jwt/create/"},
    )  # fmt: skip


def systems():
    return [
        foodfleet(),
        djoser(),
        System("fastapi-users", [*UVICORN, "peers.fastapi_site:app"], [PEER_PYTHON, "-m", "peers.fastapi_site"], {},
               {"me": "/users/me", "list": "/people", "login": "/auth/jwt/login"}),
        System("allauth", WSGI, [PEER_PYTHON, "-m", "peers.site"], django_peer("allauth"),
               {"me": "/_allauth/app/v1/auth/session"}),
        System("bare view", WSGI, [], django_peer("djoser"), {"me": "/bare/"}),
        System("bare view, no middleware", WSGI, [], django_peer("bare"), {"me": "/bare/"}),
    ]  # fmt: skip


def embedded_systems():
    ours, theirs = foodfleet("foodfleet-embedded", REDIS_URL=""), djoser("djoser-embedded")
    ours.on = theirs.on = "sqlite"
    ours.paths, theirs.paths = {"me": ours.paths["me"]}, {"me": theirs.paths["me"]}
    return [ours, theirs]


def validate(system, call, lines):
    """Make one request and look into its answer; returns the range of lengths that check.lua accepts."""
    lengths = []
    for line in lines[: 1 if call in {"refresh", "login"} else 3]:
        method, path, headers, body = line.split("\t")
        if call == "refresh":
            body = json.dumps({"refresh": body})
            lines.pop(0)  # it works once
        request = urllib.request.Request(system.server.url + path, body.encode() or None, method=method)
        for header in headers.split(";"):
            request.add_header(*header.split(": ", 1))
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read().decode()
        assert answer.status == 200, text
        content = json.loads(text)
        if call == "me":
            assert "user0000" in text, text
        elif call == "list":
            assert len(content if isinstance(content, list) else content["results"]) == 20, text
        else:
            assert "access" in text, text
        lengths.append(len(text))
    return f"{min(lengths) - 40}-{max(lengths) + 40}"


def load(system, call, lines, lengths, seconds, connections=16):
    """Load one call of one system; returns requests a second, their times and CPU, all answers checked."""
    file = FOLDER / "requests.txt"
    file.write_text("\n".join(lines) + "\n")
    before = system.server.cpu_seconds()
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", HERE / "check.lua",
         system.server.url, "--", file, lengths, "refresh" if call == "refresh" else "-"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    cpu = system.server.cpu_seconds() - before
    found = json.loads(done.stdout[done.stdout.index('{"requests"') :].splitlines()[0])
    if found["wrong"] or found["lost"]:
        raise SystemExit(f"{system.name}, {call}: {found}\n{done.stderr}")
    return {
        "per_second": found["requests"] / found["seconds"], "cpu_us": cpu / max(found["requests"], 1) * 1e6,
        "p50_ms": found["p50_ms"], "p99_ms": found["p99_ms"],
    }  # fmt: skip


def fresh_tokens(system, lines, rounds_left):
    """Hand out a part of the refresh tokens: each works once."""
    share = max(len(lines) // max(rounds_left, 1), 20)
    part, lines[:] = lines[:share], lines[share:]
    return part


def interleaved(call, group, control, options):
    """Measure a call of all systems that have it, in rounds that take turns; returns {system: numbers}."""
    group = [system for system in group if call in system.paths]
    lines = {system.name: system.requests(call) for system in group}
    lengths = {system.name: validate(system, call, lines[system.name]) for system in group}
    for system in group:  # every worker has loaded what it needs
        if call in {"me", "list"}:
            load(system, call, lines[system.name], lengths[system.name], 1)
    rounds = {system.name: [] for system in group}
    for _ in range(options.rounds):
        for system in group:

            def once(system=system):
                part = lines[system.name]
                if call == "refresh":
                    part = fresh_tokens(system, part, options.rounds * 3)
                return load(system, call, part, lengths[system.name], options.seconds)

            rounds[system.name].append(control.quiet(once))
    return {name: median_of(values) for name, values in rounds.items()}


def repeated(action, threads, seconds):
    """Repeat an action in threads for these seconds, and wait for the last of them; returns their times and a rate.

    wrk leaves out what is unfinished at the end of a round: a tenth of all logins.
    """
    times, began = [], time.monotonic()

    def repeat(number):
        while (start := time.monotonic()) < began + seconds:
            action(number)
            times.append(time.monotonic() - start)

    running = [threading.Thread(target=repeat, args=[number]) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return sorted(times), len(times) / (time.monotonic() - began)


def raw_bcrypt(seconds):
    """Return how many passwords of 12 rounds all cores check a second."""
    import bcrypt

    hashed = bcrypt.hashpw(b"x", bcrypt.gensalt(12))
    _, rate = repeated(lambda _: bcrypt.checkpw(b"x", hashed), WORKERS, seconds)  # lets go of the interpreter lock
    return {"per_second": rate}


def logins_of(system, lines, seconds):
    """Log in over eight connections, all answers checked; returns logins a second, their times and CPU."""
    address = urlsplit(system.server.url).netloc
    connections = [http.client.HTTPConnection(address, timeout=20) for _ in range(LOGIN_CONNECTIONS)]
    following = itertools.cycle(lines)

    def log_in(number):
        method, path, header, body = next(following).split("\t")
        connections[number].request(method, path, body, dict([header.split(": ", 1)]))
        answer = connections[number].getresponse()
        text = answer.read()
        if answer.status != 200 or b"access" not in text:
            raise SystemExit(f"{system.name}: {answer.status} {text[:200]!r}")

    before = system.server.cpu_seconds()
    times, rate = repeated(log_in, LOGIN_CONNECTIONS, seconds)
    cpu = system.server.cpu_seconds() - before
    return {
        "per_second": rate, "cpu_us": cpu / len(times) * 1e6, "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[len(times) * 99 // 100] * 1000,
    }  # fmt: skip


def beside_logins(system, options, call="me"):
    """Return the times of a call while logins keep both cores busy."""
    logins, lines = system.requests("login"), system.requests(call)
    file = FOLDER / "logins.txt"
    file.write_text("\n".join(logins) + "\n")
    busy = subprocess.Popen(
        ["wrk", "-t1", "-c4", f"-d{options.seconds + 2}s", "--timeout", "20s", "-s", HERE / "check.lua",
         system.server.url, "--", file, validate(system, "login", logins), "-"], stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        time.sleep(1)
        return load(system, call, lines, validate(system, call, lines), options.seconds, 1)
    finally:
        busy.kill()
        busy.wait()


def logins(group, control, options):
    """Measure logins in turns with bare bcrypt, each for twice as long as other calls, and `me` beside them."""
    group = [system for system in group if "login" in system.paths]
    measures = {"raw bcrypt": lambda: raw_bcrypt(2 * options.seconds)}
    for system in group:
        lines = system.requests("login")
        validate(system, "login", lines)
        measures[system.name] = lambda system=system, lines=lines: logins_of(system, lines, 2 * options.seconds)
    rounds = {name: [] for name in measures}
    for _ in range(options.rounds):
        for name, measure_one in measures.items():
            rounds[name].append(control.quiet(measure_one))
    beside = {
        system.name: median_of([control.quiet(lambda system=system: beside_logins(system, options))])
        for system in group
    }
    return {"login": {name: median_of(values) for name, values in rounds.items()}, "me_beside_logins": beside}


def started(running):
    return {
        system.name: {"started_in": round(system.server.started_in, 2), **system.server.memory_of_workers()}
        for system in running
    }


def measure(control, options, calls, attempt):
    """Measure these calls, each by `attempt`; start and memory only after all of them. Returns nothing more."""
    running = []
    try:
        group = systems() if set(calls) - {"embedded"} else []
        embedded = embedded_systems() if "embedded" in calls else []
        for system in [*group, *embedded]:
            system.start(options.users, 200 if options.quick else SESSIONS)
            running.append(system)
        for call in calls:
            if call == "login":
                attempt(call, lambda: logins(group, control, options))
            elif call == "embedded":
                attempt(call, lambda: {"me_embedded": interleaved("me", embedded, control, options)})
            else:
                attempt(call, lambda call=call: {call: interleaved(call, group, control, options)})
        if {"me", "embedded"} <= set(calls):
            attempt("start", lambda: {"start": started(running)})
    finally:
        stop_all([system.server for system in running])
    return {}
