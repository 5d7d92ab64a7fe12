"""Builds the image of the Dockerfile in plain folders and runs programs in it: no container engine is needed.

Understands what our Dockerfile uses: FROM, ARG, ENV, WORKDIR, COPY, RUN, USER, EXPOSE, HEALTHCHECK and CMD.
"""

import fnmatch
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from foodfleet.tests.processes import ROOT

BASE_ENV = {"PATH": "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin", "HOME": "/root"}
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def ignored(path):
    """Whether .dockerignore leaves this path out of the context."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    for pattern in patterns:
        anywhere, name = pattern.startswith("**/"), pattern.removeprefix("**/")
        parts = path.parts if anywhere else path.parts[:1]
        if any(fnmatch.fnmatch(part, name) for part in parts):
            return True
    return False


class Image:
    """One stage after the other, each in a folder below `folder`; base: the folder that each begins with."""

    def __init__(self, folder, base):
        self._folder, self._base = Path(folder), base
        self._stages = {}
        self.root = self.workdir = self.command = self.healthcheck = None
        self.env, self.user, self._arguments = {}, "0", {}
        text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
        for line in re.sub(r"\\\n", " ", text).splitlines():
            if line.strip():
                keyword, _, rest = line.partition(" ")
                getattr(self, f"_{keyword.lower()}")(rest.strip())

    def _from(self, rest):
        name = rest.partition(" AS ")[2] or "final"
        self.root = self._stages[name] = self._folder / name
        subprocess.run(["cp", "--archive", "--one-file-system", self._base, self.root], check=True)
        (self.root / "usr/local/bin/python").symlink_to("/usr/bin/python3")  # as Python's own images name it
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        shutil.copy(CERTIFICATES, self.root / str(CERTIFICATES).lstrip("/"))
        self.workdir, self.user, self._arguments = "/", "0", {}
        self.env = {**BASE_ENV, **{name: value for name, value in os.environ.items() if name.startswith("PIP_")}}

    def _words(self, text):
        known = {**self.env, **self._arguments}
        return [re.sub(r"\$(\w+)", lambda found: known[found[1]], word) for word in text.split()]

    def _arg(self, rest):
        name, _, value = rest.partition("=")
        self._arguments[name] = value

    def _env(self, rest):
        self.env |= dict(word.split("=", 1) for word in self._words(rest))

    def _workdir(self, rest):
        self.workdir = rest
        self._inside(rest).mkdir(parents=True, exist_ok=True)

    def _user(self, rest):
        self.user = rest

    def _expose(self, rest):
        self.port = int(rest)

    def _cmd(self, rest):
        self.command = json.loads(rest)

    def _healthcheck(self, rest):
        self.healthcheck = json.loads(rest.partition("CMD ")[2])

    def _inside(self, path):
        return self.root / os.path.join(self.workdir, path).lstrip("/")

    def _copy(self, rest):
        words = rest.split()
        stage = words.pop(0).removeprefix("--from=") if words[0].startswith("--from=") else None
        *sources, target = words
        for source in sources:
            if stage:
                subprocess.run(
                    ["cp", "--archive", self._stages[stage] / source.lstrip("/"), self._inside(target)], check=True
                )
            elif source == ".":
                self._copy_context(self._inside(target))
            else:
                shutil.copy(ROOT / source, self._inside(target))

    def _copy_context(self, target):
        for folder, folders, names in os.walk(ROOT):
            relative = Path(folder).relative_to(ROOT)
            folders[:] = [name for name in folders if not ignored(relative / name)]
            (target / relative).mkdir(exist_ok=True)
            for name in names:
                if not ignored(relative / name):
                    shutil.copy(Path(folder) / name, target / relative / name)

    def _run(self, rest):
        done = subprocess.run(
            self.within(["/bin/sh", "-c", rest]),
            env={**self.env, **self._arguments}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"RUN {rest}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"

    def within(self, command, *, tmp=None):
        """The command that runs `command` in the image as its user; tmp: the folder that is /tmp, all else is read-only.

        Without `tmp` everything is writable, as it is while an image is built.
        """
        root = str(self.root)
        remount = f"mount -o remount,ro,bind {root} && mount --bind {tmp} {root}/tmp" if tmp else "true"
        script = (
            f"mount --bind {root} {root} && mount -t proc proc {root}/proc && mount --bind /dev {root}/dev && {remount}"
            f' && exec chroot --userspec={self.user}:{self.user} {root} sh -c \'cd {self.workdir} && exec "$@"\' sh "$@"'
        )
        return ["unshare", "--mount", "sh", "-c", script, "sh", *command]
