"""How many processes and threads: the calls of one FoodFleet server in several forms."""

import sys

import http_load
from processes import median_of

FORMS = ((1, 4), (1, 8), (2, 2), (2, 4), (2, 8), (3, 4), (4, 2))  # processes, threads of each


def _system(processes, threads):
    system = http_load.foodfleet(f"workers-{processes}x{threads}", BENCH_THREADS=str(threads))
    options = ["--interface", "asginl", "--no-ws", "--workers", processes]
    system.command = [sys.executable, "-m", "granian", *options, "threads_app:application"]
    return system


def measure(control, options):
    """Return {"workers": {form: numbers}}: `me` alone, and its times while sign-ins keep the cores busy."""
    found = {}
    for processes, threads in FORMS:
        system = _system(processes, threads)
        system.start(min(options.users, 2000))
        try:
            lines = system.requests("me")
            lengths = http_load.validate(system, "me", lines)
            http_load.load(system, "me", lines, lengths, 1)

            def me(system=system, lines=lines, lengths=lengths):
                return http_load.load(system, "me", lines, lengths, options.seconds)

            alone = median_of([control.quiet(me)])
            beside = median_of([control.quiet(lambda system=system: http_load.beside_logins(system, options))])
            found[f"{processes} x {threads}"] = {
                "per_second": alone["per_second"],
                "p99_ms": alone["p99_ms"],
                "p99_beside_logins_ms": beside["p99_ms"],
                "all_mb": system.server.memory_of_workers()["all_mb"],
                "control": min(alone["control"], beside["control"]),
            }
        finally:
            system.server.stop()
    return {"workers": found}
