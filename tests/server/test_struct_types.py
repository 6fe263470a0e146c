"""No thread is the first one to meet a struct: two that meet one at once crash the process, in msgspec."""

from __future__ import annotations

import subprocess
import sys

import pytest

from devservers.places import CHECKOUT
from tests import programs

# Imports what a process imports before its threads begin, and prints our structs that msgspec was not shown.
PROGRAM = """
import sys, django, msgspec
seen, usual = set(), msgspec.json.Decoder
def noted(kind, *rest, **more):
    seen.add(kind)
    return usual(kind, *rest, **more)
msgspec.json.Decoder = noted
django.setup()
__import__(sys.argv[1])
from kingsync.struct_types import defined
ours = [each for each in defined(msgspec.Struct) if each.__module__.startswith(("kingsync", "integrations"))]
assert len(ours) > 20
print([each for each in ours if each not in seen])
"""


@pytest.mark.parametrize("module", ["kingsync.asgi", "kingsync.tasks"])
def test_all_structs_are_worked_out_before_threads_begin(module: str, db: None) -> None:
    environment = programs.environment() | {"DJANGO_SETTINGS_MODULE": "kingsync.settings"}
    command = [sys.executable, "-c", PROGRAM, module]

    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr[-2000:]
