"""The command `foodfleet`, also `python -m foodfleet`, run in the folder of the installation."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from foodfleet import supervise

USAGE = """usage: foodfleet COMMAND [arguments]

  manage COMMAND    one of Django's commands: migrate, check, startmodule ... (manage help lists them)
  run [HOST:PORT]   serve the whole product with embedded defaults, for development
  serve [OPTIONS]   the production server (--host, --port, --workers and what else granian takes)
  worker [OPTIONS]  the Celery workers (needs CELERY_BROKER_URL)
  beat [OPTIONS]    Celery's scheduler (needs CELERY_BROKER_URL)

docs/configuration.md lists the environment variables. DJANGO_SETTINGS_MODULE names settings of your own.
"""
# A deployment sets at least one of these. Without any, each command gets the embedded settings of `run`.
DEPLOYED = ("DEBUG", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "PUBLIC_URL")
EMBEDDED = {"DEBUG": "true", "ADMIN_REQUIRE_2FA": "false"}


def use_embedded_settings() -> None:
    """Set the variables of EMBEDDED that are not set."""
    for name, value in EMBEDDED.items():
        os.environ[name] = os.environ.get(name, "").strip() or value


def use_embedded_settings_in_a_fresh_folder() -> None:
    """Let commands work without any settings, on the data of `run`; not `check --deploy`, which must report them."""
    names = [*DEPLOYED, *(f"{name}_FILE" for name in DEPLOYED)]
    if "--deploy" not in sys.argv and not any(os.environ.get(name, "").strip() for name in names):
        use_embedded_settings()


def manage(argv: list[str]) -> None:
    """Run one of Django's commands. argv: as in `sys.argv`, the program's name first."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foodfleet.settings")
    use_embedded_settings_in_a_fresh_folder()
    execute_from_command_line(argv)


def main() -> int:
    """Run the command that the command line names. Returns the exit code."""
    folder = str(Path.cwd())
    if folder not in sys.path:  # for settings and modules: a program in bin/ starts without the current folder
        sys.path.insert(0, folder)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "foodfleet.settings")
    match sys.argv[1:]:
        case ["manage", *arguments]:
            manage(["foodfleet manage", *arguments])
        case ["run", *arguments]:
            os.environ["DEBUG"] = "true"
            os.environ["DJANGO_RUNSERVER_HIDE_WARNING"] = "true"
            use_embedded_settings()
            return supervise.run_target("run", arguments)
        case ["serve" | "worker" as target, *arguments]:
            return supervise.run_target(target, arguments)
        case ["beat", *arguments]:
            supervise.become_beat(arguments)
        case [] | ["help" | "-h" | "--help"]:
            sys.stdout.write(USAGE)
        case _:
            sys.stderr.write(USAGE)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
