"""`make bench`: FoodFleet beside its peers on this machine.

python benchmarks/bench.py [--only me list ...] [--quick]
"""

import argparse
import json
import os
import sys
import time
import traceback

import equal_time
import http_load
import killed_workers
import permissions
import report
import workers
from processes import FOLDER, HERE, REDIS, Control, environment_of, install_peers, new_database, run, stop_on_sigterm

HTTP = ("me", "list", "refresh", "login", "embedded")


def delivery(control, options):
    """Enqueue, and dispatch into a provider that takes 20 ms."""
    file = FOLDER / "delivery.json"
    messages = 100 if options.quick else 400
    command = [sys.executable, HERE / "delivery.py", "--only", "throughput", "--json", file]
    run([*command, "--messages", messages, "--rounds", options.rounds], dict(os.environ), timeout=1200)
    return json.loads(file.read_text())


def scale(control, options):
    """The list of users at ten thousand and at a million."""
    many = 50_000 if options.quick else 1_000_000
    env = environment_of(
        new_database("scale"), LOG_LEVEL="ERROR", EMAIL_URL="memorymail://", ALLOWED_HOSTS="testserver"
    )
    return {"scale": run([sys.executable, HERE / "users_at_scale.py", options.users, many], env, timeout=900)}


def growth(control, options):
    """The API, the admin and delivery with ten thousand users and messages, and with a million."""
    many = 20_000 if options.quick else 1_000_000
    env = environment_of(new_database("growth"), REDIS_URL=REDIS)
    return {"growth": run([sys.executable, HERE / "growth.py", options.users, many], env, timeout=7200)}


PARTS = {
    "access": permissions.measure, "delivery": delivery, "workers": workers.measure, "equal_time": equal_time.measure,
    "kills": killed_workers.measure, "scale": scale, "growth": growth,
}  # fmt: skip


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", nargs="*", choices=[*HTTP, *PARTS], default=[], help="these parts; the results of others stay"
    )
    parser.add_argument("--quick", action="store_true", help="one short round of each; results are not written")
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="of a round")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds = 1, 2
    return options


def show(found):
    for part, systems in found.items():
        print(f"\n{part}")
        for name, numbers in systems.items():
            print(f"  {name:26}", *(f"{key} {value:,.4g}" for key, value in numbers.items() if value is not None))


class Parts:
    """Measures one part after the other; one that fails takes none of the others with it."""

    def __init__(self, options):
        self._is_written = not options.quick
        self.found, self.failed = {}, []

    def attempt(self, name, measure):
        """Measure a part, and write what it found."""
        began = time.monotonic()
        try:
            self.found |= measure()
        except (Exception, SystemExit):  # noqa: BLE001  whatever it is, it is printed, and the others are measured
            self.failed.append(name)
            traceback.print_exc()
        if self._is_written:
            report.write(self.found)
        (FOLDER / "last.json").write_text(json.dumps(self.found, indent=1))
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


def main():
    options = options_of(sys.argv[1:])
    began = time.monotonic()
    stop_on_sigterm()
    FOLDER.mkdir(parents=True, exist_ok=True)
    install_peers()
    control, parts = Control(), Parts(options)
    calls = [call for call in HTTP if not options.only or call in options.only]
    if calls:
        parts.attempt("all calls over HTTP", lambda: http_load.measure(control, options, calls, parts.attempt))
    for name, measure in PARTS.items():
        if not options.only or name in options.only:
            parts.attempt(name, lambda measure=measure: measure(control, options))
    show(parts.found)
    print(f"\n{time.monotonic() - began:.0f} s, {control.rejected} rounds repeated, load {os.getloadavg()[0]:.1f}")
    if parts.failed:
        sys.exit(f"These parts failed: {', '.join(parts.failed)}.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped.")
