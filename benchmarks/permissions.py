"""What a permission check costs beside Django's own ModelBackend and django-guardian, and what a large role costs.

    python benchmarks/permissions.py

Needs PostgreSQL (--database, dropped and made anew!) and Redis (--redis). django-guardian is installed into var/peers
and nowhere else. Each system, in a process of its own, gets as many users, roles and permissions: --users users with
two roles of thirty permissions each and one permission in one fleet. Then one role of ours is given to --holders users.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "var" / "peers"
PACKAGES = ("django-guardian==3.5.2",)
SYSTEMS = ("foodfleet", "modelbackend", "guardian")
ROWS = (
    ("label_us", "warm check by label, µs"),
    ("codename_us", "warm check by Django's codename, µs"),
    ("scope_us", "warm check in a scope (guardian: of an object), µs"),
    ("warm_sql", "... its queries"),
    ("scope_sql", "... its queries in a scope"),
    ("cold_sql", "first check in a process, queries"),
    ("next_sql", "first check of the next request, queries"),
    ("next_us", "first check of the next request, µs"),
    ("open_us", "REST framework view that anybody may call, µs"),
    ("view_us", "... that asks for a permission, µs"),
    ("view_sql", "... its queries"),
    ("change_ms", "a role of many holders gains a permission, ms"),
    ("change_sql", "... statements"),
    ("change_rows", "... rows written"),
    ("preview_ms", "preview of losing and gaining permissions, ms"),
    ("preview_sql", "... statements"),
    ("preview_kib", "... most memory at once, KiB"),
)


def emptied(url):
    parts = urlsplit(url)
    name = parts.path.lstrip("/")
    with psycopg.connect(parts._replace(path="/postgres").geturl(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')


def measured(system, arguments):
    emptied(arguments.database)
    env = {
        **os.environ, "SECRET_KEY": "a-key-of-a-benchmark-that-protects-nothing-at-all-0123456789", "DEBUG": "false",
        "LOG_LEVEL": "ERROR", "DATABASE_URL": arguments.database, "REDIS_URL": arguments.redis,
        "PYTHONPATH": f"{ROOT}:{PEERS}",
    }  # fmt: skip
    script = "permissions_ours.py" if system == "foodfleet" else "permissions_peers.py"
    command = [sys.executable, f"benchmarks/{script}", system, str(arguments.users), str(arguments.holders)]
    done = subprocess.run(command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout.splitlines()[-1])


def shown(value):
    if value is None:
        return "-"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", default="postgres://postgres@127.0.0.1:5432/bench_permissions")
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/15")
    parser.add_argument("--users", type=int, default=10_000)
    parser.add_argument("--holders", type=int, default=100_000)
    arguments = parser.parse_args()
    if not (PEERS / "guardian").exists():
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps", "--target", str(PEERS), *PACKAGES]
        subprocess.run(pip, check=True)
    results = {system: measured(system, arguments) for system in SYSTEMS}
    print(f"{arguments.users:,} users, two roles each; the large role has {arguments.holders:,} holders")
    print("".join(["".ljust(58), *(system.rjust(14) for system in SYSTEMS)]))
    for key, title in ROWS:
        print("".join([title.ljust(58), *(shown(results[system].get(key)).rjust(14) for system in SYSTEMS)]))


if __name__ == "__main__":
    main()
