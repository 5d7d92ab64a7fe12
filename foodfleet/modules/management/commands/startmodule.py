"""`manage.py startmodule`: create a working module with one resource."""

import ast
import builtins
import re
import shutil
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.urls import Resolver404, resolve

TEMPLATE = Path(__file__).resolve().parents[2] / "template"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST = 30  # characters of a name: with it, kinds of events have at most 40
SHORT = 20  # characters at the beginning of the names of indexes, of which Django accepts 30
PLACEHOLDER = re.compile(r"\{\{ (\w+) \}\}")


class Command(BaseCommand):
    """Write the files, format them and make the first migration."""

    help = "Create a module: a domain app with one resource in the API, the admin and a page."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="of the module: a Python package, usually a plural such as trucks")
        parser.add_argument("--resource", required=True, help="its resource, in the singular: truck")
        parser.add_argument("--plural", help="of the resource, if it is not the resource with an s")

    def handle(self, *args: Any, name: str, resource: str, plural: str | None, **options: Any) -> None:
        """Create the module."""
        plural = plural or f"{resource}s"
        for word in (name, resource, plural):
            check_name(word)
        check_unused(name, resource)
        folder = settings.BASE_DIR / name
        check_free(folder)
        written = write(folder, context_of(name, resource, plural))
        try:
            is_formatted = run_ruff(folder)
            manage("makemigrations", name, "--verbosity", "0")
        except subprocess.CalledProcessError as error:
            shutil.rmtree(folder)  # a module that cannot be loaded would break every command
            reason = (error.stdout + error.stderr).strip().rpartition("\n")[2] or error
            raise CommandError(f"{name}/ was removed again, because it cannot be loaded: {reason}") from None
        self.stdout.write(f"Wrote {name}/: {written} files and the first migration.")
        if not is_formatted:
            self.stdout.write("Imports are not sorted: ruff is not installed. Run `make format` before `make lint`.")
        self.stdout.write("Next: run migrate and start the server. See docs/modules.md.")


def check_name(word: str) -> None:
    """Raise CommandError for a name that is not valid for a package, a table and a URL."""
    if not NAME.fullmatch(word) or len(word) > LONGEST:
        raise CommandError(f"{word}: use at most {LONGEST} lower-case letters, digits and underscores, a letter first.")
    if iskeyword(word):
        raise CommandError(f"{word} is a word of Python itself. Choose another name.")


def check_unused(module: str, resource: str) -> None:
    """Raise CommandError for a name that the module's code or Python has for something else."""
    context = context_of("a_module", "a_resource", "some_resources")
    used: set[str | None] = set(dir(builtins))
    for source in TEMPLATE.rglob("*.py-tpl"):
        for node in ast.walk(ast.parse(filled(source, context))):
            match node:
                case ast.Name(id=name) | ast.arg(arg=name) | ast.keyword(arg=name):
                    used.add(name)
                case ast.alias(name=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    used.add(name)
    for word in (module, resource):
        if {word, camel(word)} & used:
            raise CommandError(f"{word}: the code of a module uses this name for something else. Choose another name.")
        used |= {word, f"{camel(word)}Config"}


def check_free(folder: Path) -> None:
    """Raise CommandError if the folder, the package name or a URL is in use."""
    if folder.exists():
        raise CommandError(f"{folder.name}/ exists already. Choose another name or remove it.")
    if find_spec(folder.name) is not None:
        raise CommandError(f"{folder.name} is the name of an installed Python package. Choose another name.")
    for address in (f"/api/v1/{folder.name.replace('_', '-')}/", f"/{folder.name.replace('_', '-')}/"):
        try:
            view = resolve(address).func
        except Resolver404:
            continue
        if view.__name__ != "api_not_found":
            raise CommandError(f"{address} is a URL of the product. Choose another name.")


def context_of(name: str, resource: str, plural: str) -> dict[str, str]:
    """Return the values of the template's placeholders."""
    url = name.replace("_", "-")
    prefix = "" if plural == name else plural.replace("_", "-")
    word, words = resource.replace("_", " "), plural.replace("_", " ")
    return {
        "app_name": name,
        "short": f"{name}_{resource}"[:SHORT],
        "config": f"{camel(name)}Config",
        "title": name.replace("_", " ").capitalize(),
        "url": url,
        "prefix": prefix,
        "path": f"{url}/{prefix}/" if prefix else f"{url}/",
        "resource": resource,
        "resources": plural,
        "model": camel(resource),
        "models": camel(plural),
        "model_lower": camel(resource).lower(),
        "word": word,
        "words": words,
        "word_capital": word.capitalize(),
        "words_capital": words.capitalize(),
    }


def camel(name: str) -> str:
    """Return `FoodTruck` for `food_truck`."""
    return "".join(part.capitalize() for part in name.split("_"))


def write(folder: Path, context: dict[str, str]) -> int:
    """Write the files of the template with these values. Returns how many."""
    sources = sorted(TEMPLATE.rglob("*-tpl"))
    for source in sources:
        relative = str(source.relative_to(TEMPLATE)).removesuffix("-tpl").replace("app_name", context["app_name"])
        target = folder / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(filled(source, context), encoding="utf-8")
    return len(sources)


def filled(source: Path, context: dict[str, str]) -> str:
    """Return the text of a file of the template with these values."""
    return PLACEHOLDER.sub(lambda found: context[found[1]], source.read_text(encoding="utf-8"))


def run_ruff(folder: Path) -> bool:
    """Sort imports and wrap lines; False if ruff is not installed (`make lint` installs it)."""
    ruff = Path(sys.executable).with_name("ruff")
    if not ruff.exists():
        return False
    for arguments in (("check", "--quiet", "--fix", "--select", "I"), ("format", "--quiet")):
        run([ruff, *arguments, folder])
    return True


def manage(*arguments: str) -> None:
    """Run a command in a new process, which finds the new module."""
    run([sys.executable, "-m", "django", *arguments])


def run(command: Sequence[str | Path]) -> None:
    """Run a command in the folder of the modules. Raises CalledProcessError with its output."""
    subprocess.run(command, cwd=settings.BASE_DIR, check=True, capture_output=True, text=True)  # noqa: S603
