"""What is to be translated, and what is: read from the sources and from the catalogues, with nothing but Python."""

import ast
import gettext
import re
from dataclasses import dataclass, field
from pathlib import Path

from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("de", "es", "fr", "ar")
ROOMS = ("accounts", "foodfleet", "notifications", "rbac")
SINGULAR = {"_", "gettext", "gettext_lazy", "gettext_noop"}
PLURAL = {"ngettext", "ngettext_lazy"}
STRING = r"""u?(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
IN_TEMPLATE = re.compile(rf"\b(?P<name>ngettext|gettext|_)\((?P<first>{STRING})(?:\s*,\s*(?P<second>{STRING}))?")


def wanted() -> dict[str, str]:
    """Every message of the code and of the templates, with the file that it stands in."""
    found: dict[str, str] = {}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
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


@dataclass
class Entry:
    """One message of a .po file. texts: one, or one for each plural form."""

    message: str = ""
    plural: str = ""
    texts: list[str] = field(default_factory=list)
    is_fuzzy: bool = False


def entries(language: str) -> list[Entry]:
    """The messages of a language's .po file, without its header."""
    return [
        entry
        for block in re.split(r"\n\s*\n", _file(language, "po").read_text(encoding="utf-8"))
        if (entry := _entry(block)).message
    ]


def _entry(block: str) -> Entry:
    entry = Entry()
    target = ""
    for line in block.splitlines():
        if line.startswith("#"):
            entry.is_fuzzy |= line.startswith("#,") and "fuzzy" in line
            continue
        keyword, _, rest = line.partition(" ") if line.startswith("msg") else (target, "", line)
        text = ast.literal_eval(rest) if rest.startswith('"') else ""
        if keyword.startswith("msgstr") and keyword != target:
            entry.texts.append("")
        target = keyword
        if keyword == "msgid":
            entry.message += text
        elif keyword == "msgid_plural":
            entry.plural += text
        elif keyword.startswith("msgstr"):
            entry.texts[-1] += text
    return entry


def compiled(language: str) -> dict[str, list[str]]:
    """What the product really looks up: each message of the .mo file with its texts."""
    with _file(language, "mo").open("rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    found: dict[str, list[str]] = {}
    for key, text in catalogue.items():
        found.setdefault(key if isinstance(key, str) else key[0], []).append(text)
    found.pop("", None)
    return found


def _file(language: str, kind: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / f"django.{kind}"
