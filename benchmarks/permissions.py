"""What a permission check costs beside Django's own ModelBackend and django-guardian, and what a large role costs.

Each system, in a process of its own, gets as many users, roles and permissions: users with two roles of thirty
permissions each and one permission in one fleet. Then one role of ours is given to HOLDERS users.
"""

import sys

from processes import HERE, PEER_PYTHON, REDIS, environment_of, new_database, run

HOLDERS = 100_000
SYSTEMS = ("foodfleet", "modelbackend", "guardian")
ROWS = (
    ("codename_us", "warm check by codename, µs"),
    ("alias_us", "warm check by Django's name, µs"),
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


def measure(control, options):
    """Return {system: numbers}; the names of the numbers are in ROWS."""
    found = {}
    for system in SYSTEMS:
        script, python = "permissions_peers.py", PEER_PYTHON
        if system == "foodfleet":
            script, python = "permissions_ours.py", sys.executable
        holders = options.users if options.quick else HOLDERS
        command = [python, HERE / script, system, options.users, holders]

        def once(command=command):
            return run(command, environment_of(new_database("access"), LOG_LEVEL="ERROR", REDIS_URL=REDIS))

        found[system] = once()
    return {"access": found}
