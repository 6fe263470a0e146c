"""Every command with any arguments: exit code 0, 1 or 2, a sentence where it is not 0, and never a stack."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from django.core.management import CommandError, get_commands, load_command_class
from django.core.management.base import BaseCommand

from kingsync.management.arguments import require_readable
from tests import scenario
from tests.faults.simulated_time import SimulatedTime
from tests.fuzz.mutations import text
from tests.fuzz.scene import undone

# These start servers: only their arguments are read.
SERVERS = {"demo", "sandbox"}
# Of a development checkout: it writes compiled texts.
LEFT_OUT = {"compile_texts"}


# Options of every command of Django's.
_EVERYWHERE = {action.dest for action in BaseCommand().create_parser("manage.py", "any")._actions}


def ours() -> list[str]:
    """Return the names of our own commands."""
    return sorted(name for name, app in get_commands().items() if app == "kingsync" and name not in LEFT_OUT)


class Arguments:
    """Draws arguments for a parser: mostly what it knows, sometimes what nobody should type."""

    def __init__(self, chance: Random, known: dict[str, list[str]]) -> None:
        self._chance, self._known = chance, known

    def draw(self, parser: argparse.ArgumentParser) -> list[str]:
        drawn: list[str] = []
        for action in parser._actions:
            if action.dest in _EVERYWHERE:
                continue
            if isinstance(action, argparse._SubParsersAction):
                name = self._chance.choice([*action.choices, "nonsense"])
                drawn += [name, *(self.draw(action.choices[name]) if name in action.choices else [])]
            elif not action.option_strings:
                drawn += self._values(action)
            elif self._chance.random() < 0.2:
                drawn += [self._chance.choice(action.option_strings), *self._values(action)]
        if self._chance.random() < 0.05:
            drawn.insert(self._chance.randrange(len(drawn) + 1), self._odd())
        return drawn

    def _values(self, action: argparse.Action) -> list[str]:
        if action.nargs == 0:
            return []
        count = action.nargs if isinstance(action.nargs, int) else self._chance.choice([1, 1, 1, 2, 3])
        return [self._value(action) for _ in range(count if action.nargs else 1)]

    def _value(self, action: argparse.Action) -> str:
        known = [*map(str, action.choices or ()), *self._known.get(action.dest, [])]
        return self._chance.choice(known) if known and self._chance.random() < 0.75 else self._odd()

    def _odd(self) -> str:
        # A system hands over no NUL, and what it cannot decode as half surrogates.
        return text(self._chance).replace("\0", "")[:500]


def failures(chance: Random, count: int, folder: Path) -> Iterator[str]:
    """Run that many commands for the tenant `jansen` in the open scope; every one is undone."""
    arguments = Arguments(chance, _known(folder))
    for _ in range(count):
        name = chance.choice(ours())
        command = load_command_class("kingsync", name)
        # So that a wrong argument ends it as in a terminal.
        command._called_from_command_line = True  # type: ignore[attr-defined]
        parser = command.create_parser("manage.py", name)
        drawn = arguments.draw(parser)
        # What names no place, such as the file of an export, is written here.
        with undone(), SimulatedTime().installed(), contextlib.chdir(folder):
            yield from (f"{each}: manage.py {name} {drawn!r}" for each in _run(command, name, parser, drawn))


def _known(folder: Path) -> dict[str, list[str]]:
    garbage = folder / "garbage.json"
    garbage.write_bytes(b'{"slug": "jansen", "name": 1}\xff')
    files = [str(garbage), str(folder), str(folder / "absent"), *map(str, scenario.SAMPLES.glob("*.xml"))]
    ids = ["7000001", "7000002", "7000003", "404"]
    ids_of = ("work_orders", "decisions", "retry", "release", "link", "reset", "supplement", "settle", "new_order")
    numbers = dict.fromkeys((*ids_of, "solve", "exclude", "restore"), ids)
    return {
        "slug": ["jansen"] * 5 + ["nobody"],
        "file": files,
        "files": files,
        "by": ["Els"],
        "reason": ["Dubbel"],
    } | numbers


def _run(command: BaseCommand, name: str, parser: argparse.ArgumentParser, drawn: list[str]) -> Iterator[str]:
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = _code(command, name, parser, drawn, out, err)
    except Exception as error:  # noqa: BLE001  (that is what is looked for)
        yield repr(error)
        return
    said = err.getvalue() + out.getvalue()
    if code not in (0, 1, 2):
        yield f"exit code {code}"
    if code and not said.strip():
        yield f"exit code {code} without a word"
    if "Traceback" in said:
        yield f"a stack: {said[-300:]}"
    if "--json" in drawn and not code and not _is_json(out.getvalue()):
        yield f"no JSON: {out.getvalue()[:200]}"


def _is_json(written: str) -> bool:
    try:
        json.loads(written)
    except ValueError:
        return False
    return True


def _code(
    command: BaseCommand,
    name: str,
    parser: argparse.ArgumentParser,
    drawn: list[str],
    out: io.StringIO,
    err: io.StringIO,
) -> int:
    """Run a command as `run_from_argv` does, but leave the database open; return its exit code."""
    try:
        require_readable(["manage.py", name, *drawn])
        given: dict[str, Any] = vars(parser.parse_args(drawn))
        if name in SERVERS:
            return 0
        given.pop("args", None)
        command.execute(**given | {"stdout": out, "stderr": err, "skip_checks": True})
    except SystemExit as ended:
        return int(str(ended.code or 0))
    except CommandError as error:
        err.write(f"{error}\n")
        return error.returncode
    return 0
