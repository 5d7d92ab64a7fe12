"""`make test`: one pass on the embedded defaults, one on PostgreSQL, Redis and a broker where they run.

Tests in a browser need Chromium. With CI set all of that must be there; without it the last line names what was left
out for want of it. Bytecode is written, because the tests start many processes. Arguments are passed on to pytest.
"""

import os
import shutil
import socket
import subprocess
import sys

from foodfleet.tests.environment import CHROMIUM

MOST_PROCESSES = 8  # each has a database of Redis, which has sixteen
SERVICES = {"PostgreSQL": 5432, "Redis": 6379, "RabbitMQ": 5672}


def answers(port: int) -> bool:
    """Whether something listens on this port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def missing_services() -> list[str]:
    """What the second pass needs and is not here."""
    missing = [f"{name} on 127.0.0.1:{port}" for name, port in SERVICES.items() if not answers(port)]
    return missing if shutil.which("redis-server") else [*missing, "the program redis-server"]


def run_pytest(arguments: list[str], **environment: str) -> int:
    """One pass of pytest; its exit code.

    Over three processes on two cores: many tests wait for a server, a browser or a time to pass.
    """
    processes = str(min((os.cpu_count() or 2) * 3 // 2, MOST_PROCESSES))
    command = [sys.executable, "-m", "pytest", "-q", "-n", processes, "--dist", "worksteal", *arguments]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run(command, env={**inherited, **environment}, check=False).returncode


def main() -> int:
    """Both passes; 0 only where every one that ran passed."""
    arguments = sys.argv[1:]
    services = missing_services()
    missing = services if shutil.which(CHROMIUM) else [*services, f"Chromium at {CHROMIUM} (CHROMIUM= names another)"]
    if missing and os.environ.get("CI"):
        print(f"CI needs {', '.join(missing)}.")
        return 1
    print("== Embedded: SQLite, in-process cache", flush=True)
    result = run_pytest(arguments, FOODFLEET_TEST_SERVICES="0")
    if not result and not services:
        print("== Services: PostgreSQL, Redis, RabbitMQ", flush=True)
        result = run_pytest(arguments, FOODFLEET_TEST_SERVICES="1")
    if missing:
        print(f"== The tests that need these were left out: {', '.join(missing)}")
    return result


if __name__ == "__main__":
    sys.exit(main())
