"""Documents that are lists of what the code has: `make docs` writes them, the gate compares them.

docs/errors.md has every message that users may see with what to do about it, docs/environment.md every variable.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
ERRORS = CHECKOUT / "docs" / "errors.md"
ENVIRONMENT = CHECKOUT / "docs" / "environment.md"
EXAMPLE = CHECKOUT / ".env.example"
# Rooms whose programs read variables.
PROGRAMS = ("kingsync", "integrations", "devservers", "deploy")
ERROR_HEADS = {"en": ("Code", "Message", "What to do"), "nl": ("Code", "Melding", "Wat te doen")}
# Variables that are no setting of an installation, and so not in .env.example: who reads each, and what for.
OTHERS = {
    "KINGSYNC_ENVIRONMENT": (
        "deploy/kingsync",
        "The file with the service's environment (`/etc/kingsync/environment`).",
    ),
    "KINGSYNC_LOCAL": ("a development machine", "The folder for data, keys and logs (`.local` in the checkout)."),
    "KINGSYNC_USER": ("deploy/kingsync", "The user that root becomes for a command (`kingsync`)."),
    "NO_COLOR": ("make demo", "Anything: no colours in a terminal."),
    "OTEL_SERVICE_NAME": ("kingsync", "The name in traces (`kingsync`), as of every program that sends them."),
    "PORT": ("make demo", "The port of the pages (8000)."),
    "PYTHON": ("make install", "The Python to install with."),
}
# Of the compose file only: what it makes other variables of.
OF_COMPOSE = {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "KING_XML_VOLUME", "WEB_ADDRESS", "TLS_FOLDER"}
_READS = (
    re.compile(r'\benv\.\w+\(\s*"([A-Z_]+)"'),
    re.compile(r'\b_(?:positive|networks)\(\s*"([A-Z_]+)"'),  # helpers of the settings
    re.compile(r'\bos\.environ(?:\.get\(|\[)\s*"([A-Z_]+)"'),
)
_DEFAULTS = (
    re.compile(r'env\.(?:int|float|bool)\("([A-Z_]+)", default=([\w.]+)\)'),
    re.compile(r'_positive\("([A-Z_]+)", (\d+)\)'),
)
_ENTRY = re.compile(r"((?:^# .*\n)*)((?:^#?[A-Z][A-Z_]+=.*\n)+)", re.MULTILINE)
_WORDS = {"True": "on", "False": "off", "25.0": "25"}


@dataclass(frozen=True)
class Variable:
    name: str
    meaning: str
    example: str
    default: str


def variables() -> list[Variable]:
    """Return the variables of .env.example with their meaning and, where the code has a plain one, their default."""
    code = (CHECKOUT / "kingsync" / "settings.py").read_text()
    defaults = {name: _WORDS.get(value, value) for pattern in _DEFAULTS for name, value in pattern.findall(code)}
    found: dict[str, Variable] = {}
    for comment, lines in _ENTRY.findall(EXAMPLE.read_text()):
        meaning = " ".join(line[2:] for line in comment.splitlines() if not line.startswith("# ---"))
        for name, example in re.findall(r"^#?([A-Z_]+)=(.*)$", lines, flags=re.MULTILINE):
            found.setdefault(name, Variable(name, meaning, example, defaults.get(name, "")))
    return list(found.values())


def read_by_code() -> set[str]:
    """Return the names of all variables that a program of ours reads."""
    files = [path for room in PROGRAMS for path in (CHECKOUT / room).rglob("*.py")]
    text = "\n".join(path.read_text() for path in files)
    return {name for pattern in _READS for name in pattern.findall(text)}


def environment_parts() -> dict[str, str]:
    """Return the tables of docs/environment.md."""
    rows = [("Variable", "Default", "Example", "Meaning"), ("---",) * 4]
    rows += [
        (
            f"`{each.name}`",
            _code(each.default),
            _code("" if each.example == each.default else each.example),
            each.meaning,
        )
        for each in variables()
    ]
    others = [("Variable", "Of", "Meaning"), ("---",) * 3]
    others += [(f"`{name}`", f"`{of}`" if "/" in of else of, meaning) for name, (of, meaning) in OTHERS.items()]
    return {"settings": _table(rows), "others": _table(others)}


def error_parts() -> dict[str, str]:
    """Return the tables of docs/errors.md, in both languages."""
    return {f"errors {language}": "".join(_errors(language)) for language in ERROR_HEADS}


def _errors(language: str) -> Iterator[str]:
    from django.utils import translation  # noqa: PLC0415 - after Django's setup

    from kingsync.web.help import message_entries  # noqa: PLC0415

    with translation.override(language):
        for group in message_entries.groups():
            rows = [ERROR_HEADS[language], ("---",) * 3]
            rows += [(f"`{each.code}`", each.sentence, each.advice) for each in group.entries]
            yield f"\n### {group.title}\n\n{_table(rows)}"


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    cells = [
        [cell.replace("|", "\\|").replace("<", "&lt;") if "`" not in cell else cell for cell in row] for row in rows
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in cells)


def replaced(document: str, parts: dict[str, str]) -> str:
    """Return the document with the text between its markers replaced."""
    for name, content in parts.items():
        start, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        assert document.count(start) == document.count(end) == 1, name
        document = document[: document.index(start) + len(start)] + content + document[document.index(end) :]
    return document


def all_parts() -> dict[Path, dict[str, str]]:
    return {ERRORS: error_parts(), ENVIRONMENT: environment_parts()}


def write() -> None:
    for path, parts in all_parts().items():
        path.write_text(replaced(path.read_text(), parts))
