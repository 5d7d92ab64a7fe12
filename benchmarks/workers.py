"""How many processes and threads, and which server: FoodFleet's list of users in several forms.

`GET /users/me/` would not tell: the event loop answers it without a thread. The forms share one database, and their
rounds take turns.
"""

import sys

import http_load
from processes import FOLDER, ROOT, environment_of, median_of, new_database, run, stop_all

FORMS = (
    ("granian", 1, 4), ("granian", 1, 8), ("granian", 2, 2), ("granian", 2, 4), ("granian", 2, 8), ("granian", 4, 2),
    ("gunicorn", 2, 4), ("gunicorn", 2, 8),
)  # server, processes, threads of each  # fmt: skip


def _system(server, processes, threads):
    system = http_load.foodfleet(f"{server}-{processes}x{threads}", WEB_THREADS=str(threads))
    if server == "granian":
        options = ["--interface", "asginl", "--no-ws", "--workers", processes]
        system.command = [sys.executable, "-m", "granian", *options, "foodfleet.asgi:application"]
    else:
        options = ["--worker-class", "gthread", "--workers", processes, "--threads", threads, "--log-level", "warning"]
        system.command = [sys.executable, "-m", "gunicorn", *options, "foodfleet.wsgi:application"]
        system.bind = "--bind=127.0.0.1:{}"
        system.env["PYTHONPATH"] = f"{ROOT}:{ROOT / 'benchmarks'}:{FOLDER / 'gunicorn'}"
    return system


def measure(control, options):
    """Return {"workers": {form: numbers}}: the list alone, and its times while sign-ins keep the cores busy."""
    systems = {f"{server}, {n} x {threads}": _system(server, n, threads) for server, n, threads in FORMS}
    first = next(iter(systems.values()))
    database = new_database("workers")
    data = run([*first.filler, min(options.users, 2000), 200], environment_of(database, **first.env))
    rounds = {form: [] for form in systems}
    for _ in range(2 if options.rounds > 1 else 1):
        for form, system in systems.items():
            system.serve(database, data)
            try:
                rounds[form].append(control.quiet(lambda system=system: _round(system, options)))
            finally:
                stop_all([system.server])
    return {"workers": {form: median_of(values) for form, values in rounds.items()}}


def _round(system, options):
    lines = system.requests("list")
    lengths = http_load.validate(system, "list", lines)
    http_load.load(system, "list", lines, lengths, 1)
    alone = http_load.load(system, "list", lines, lengths, max(options.seconds - 1, 1))
    beside = http_load.beside_logins(system, options, "list")
    memory = system.server.memory_of_workers()["all_mb"]
    return {**alone, "p99_beside_logins_ms": beside["p99_ms"], "all_mb": memory}
