"""Keep the databases of a release, from which the test of upgrades starts; run once for each release.

    python -m foodfleet.tests.releases.make 1.1.0 [commit]

takes the code of the commit (HEAD), migrates a database of SQLite and one of PostgreSQL (TEST_DATABASE_URL) with it, runs
fill.py in both, and writes 1.1.0.<database>.sql.gz and .json here. It needs git, pg_dump and the requirements of that
commit. 1.0.0 is commit 989f892.
"""

import gzip
import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from foodfleet.tests.environment import POSTGRES_URL
from foodfleet.tests.processes import ROOT, SECRET_KEY

HERE = Path(__file__).parent
DATABASE = "foodfleet_release"
SERVER = urlsplit(POSTGRES_URL)


def check_out(commit, folder):
    """Write the files of a commit into the folder."""
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")


def fill(folder, url):
    """Migrate and fill a database with the code in the folder; return what fill.py printed."""
    environment = {
        "PATH": os.environ["PATH"], "SECRET_KEY": SECRET_KEY, "DATABASE_URL": url, "EMAIL_URL": "memorymail://",
        "DEBUG": "true", "ALLOWED_HOSTS": "testserver",
    }  # fmt: skip

    def manage(*arguments):
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        return done.stdout

    manage("migrate", "--verbosity", "0")
    return json.loads(manage("shell", "-v", "0", "-c", (HERE / "fill.py").read_text()).splitlines()[-1])


def dump_postgres():
    """Return the database as SQL without commands of psql."""
    command = [
        "pg_dump", "--host", SERVER.hostname, "--port", str(SERVER.port or 5432), "--username", SERVER.username,
        "--no-owner", "--inserts", "--rows-per-insert", "100", DATABASE,
    ]  # fmt: skip
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return "\n".join(line for line in text.splitlines() if not line.startswith(("\\", "--")))


def keep(version, database, sql, known):
    """Write the files of one database."""
    (HERE / f"{version}.{database}.json").write_text(json.dumps(known) + "\n")
    (HERE / f"{version}.{database}.sql.gz").write_bytes(gzip.compress(sql.encode(), mtime=0))


def main():
    """Keep both databases of the release that the command line names."""
    version, *commit = sys.argv[1:]
    with tempfile.TemporaryDirectory() as name:
        folder, path = Path(name) / "release", Path(name) / "fleet.sqlite3"
        check_out(commit[0] if commit else "HEAD", folder)
        known = fill(folder, f"sqlite:///{path}")
        keep(version, "sqlite", "\n".join(sqlite3.connect(path).iterdump()), known)
        admin = SERVER._replace(path="/postgres").geturl()
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
            try:
                known = fill(folder, SERVER._replace(path=f"/{DATABASE}").geturl())
                keep(version, "postgresql", dump_postgres(), known)
            finally:
                connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    print(f"Kept the databases of {version}.")


if __name__ == "__main__":
    main()
