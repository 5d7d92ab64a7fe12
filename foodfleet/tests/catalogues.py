"""The messages that need a translation, from the sources, and the translations, from the catalogues."""

import ast
import re
from functools import cache
from pathlib import Path

import polib
from django.utils.translation.template import templatize

from foodfleet.modules.discovery import PRODUCT

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("de", "es", "fr", "ar")
SINGULAR = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
STRING = r"""u?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
IN_TEMPLATE = re.compile(rf"\b(?P<name>ngettext|gettext|_)\((?P<first>{STRING})(?:\s*,\s*(?P<second>{STRING}))?")


@cache
def wanted() -> dict[str, str]:
    """Every message of the code and of the templates, with the file that it stands in."""
    found: dict[str, str] = {}
    for app in PRODUCT:
        for path in (ROOT / app).rglob("*.py"):
            if not {"migrations", "tests"} & set(path.parts):
                found |= dict.fromkeys(_of_code(path.read_text(encoding="utf-8")), str(path.relative_to(ROOT)))
    for path in (ROOT / "templates").rglob("*.*"):
        if path.suffix in {".html", ".txt"}:
            found |= dict.fromkeys(_of_template(path.read_text(encoding="utf-8")), str(path.relative_to(ROOT)))
    return found


def _of_code(source: str) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and node.args]
    names = {id(call): getattr(call.func, "id", getattr(call.func, "attr", "")) for call in calls}
    return {
        call.args[0].value
        for call in calls
        if names[id(call)] in SINGULAR | PLURAL
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def _of_template(source: str) -> set[str]:
    return {ast.literal_eval(match["first"]) for match in IN_TEMPLATE.finditer(templatize(source))}


def entries(language: str) -> list[polib.POEntry]:
    """The messages of a language's .po file, without its header."""
    return [entry for entry in polib.pofile(str(_file(language, "po"))) if not entry.obsolete]


def texts_of(entry: polib.POEntry) -> list[str]:
    """The translations of a message: one, or one for each plural form."""
    return [entry.msgstr_plural[form] for form in sorted(entry.msgstr_plural)] or [entry.msgstr]


def compiled(language: str) -> dict[str, list[str]]:
    """The messages of the .mo file, which is what the product reads, with their translations."""
    return {entry.msgid: texts_of(entry) for entry in polib.mofile(str(_file(language, "mo")))}


def _file(language: str, kind: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / f"django.{kind}"
