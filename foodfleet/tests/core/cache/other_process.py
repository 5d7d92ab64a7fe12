"""Another process for tests: reads and writes values under leases, as its standard input says, one command a line."""

import os
import sys

import django


def main():
    """Answer until the input ends."""
    django.setup()
    from django.db import connection, transaction

    from foodfleet.core.cache import coherent, commits
    from foodfleet.core.models import CacheVersion
    from foodfleet.tests.core.cache import leases

    values = coherent.Cache(size=100)

    def load(key):
        return CacheVersion.objects.version_of(key) or "-"

    def read(key):
        return values.get(key, (key,), lambda: load(key))

    def write(key):
        with transaction.atomic():
            CacheVersion.objects.replace(key)
            coherent.invalidate(key)
        return load(key)

    def hold(key):
        leases.wait_for_lease()
        return read(key)

    def write_and_die(key, step):
        end = lambda *_: os._exit(9)  # noqa: E731
        if step == "announced":
            commits.Change.announce = lambda self, announce=commits.Change.announce: (announce(self), end())
        else:
            commits.Change.finish = end
        write(key)

    commands = {"read": read, "write": write, "hold": hold, "write_and_die": write_and_die}
    print("ready", flush=True)
    for line in sys.stdin:
        name, *arguments = line.split()
        print(f"= {commands[name](*arguments)}", flush=True)
        connection.close()


if __name__ == "__main__":
    main()
