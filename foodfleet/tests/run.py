"""`make test`: one pass on the embedded defaults, one on PostgreSQL, Redis and a broker where they run.

With CI set, the services must be there. Arguments are passed on to pytest.
"""

import os
import socket
import subprocess
import sys

SERVICES = {"PostgreSQL": 5432, "Redis": 6379, "RabbitMQ": 5672}


def answers(port: int) -> bool:
    """Whether something listens on this port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def run_pytest(arguments: list[str], **environment: str) -> int:
    """One pass of pytest over two processes; its exit code."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadgroup", *arguments]
    return subprocess.run(command, env={**os.environ, **environment}, check=False).returncode


def main() -> int:
    """Both passes; 0 only where every one that ran passed."""
    arguments = sys.argv[1:]
    missing = [name for name, port in SERVICES.items() if not answers(port)]
    if missing and os.environ.get("CI"):
        print(f"CI needs {', '.join(missing)} on 127.0.0.1.")
        return 1
    print("== Embedded: SQLite, in-process cache", flush=True)
    result = run_pytest(arguments, FOODFLEET_TEST_SERVICES="0")
    if result:
        return result
    if missing:
        print(f"== Not run: the pass on PostgreSQL, Redis and RabbitMQ ({', '.join(missing)} not on 127.0.0.1)")
        return 0
    print("== Services: PostgreSQL, Redis, RabbitMQ", flush=True)
    return run_pytest(arguments, FOODFLEET_TEST_SERVICES="1")


if __name__ == "__main__":
    sys.exit(main())
