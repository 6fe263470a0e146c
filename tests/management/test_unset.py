"""Where the settings do not load, the doctor says which variable is to blame, and never its value."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from devservers.places import CHECKOUT
from tests import programs

GOOD = {
    "DATABASE_URL": "postgres://kingsync:a-password@127.0.0.1:1/kingsync",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "SECRET_KEY": "a-secret-key-that-is-long-and-random-0123456789",
    "ENCRYPTION_KEYS": "an-encryption-key-that-is-long-and-random-012345",
}


def doctor(*words: str, **variables: str) -> tuple[int, str]:
    command = [sys.executable, "manage.py", "doctor", *words]
    environment = programs.environment() | GOOD | variables
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({"SECRET_KEY": "too-weak-a-secret"}, "SECRET_KEY is shorter than 32 characters"),
        ({"SECRET_KEY_FALLBACKS": "too-weak-a-secret"}, "A key of SECRET_KEY_FALLBACKS is shorter than 32 characters"),
        ({"ENCRYPTION_KEYS": ""}, "ENCRYPTION_KEYS is empty"),
        ({"WEB_THREADS": "a-wrong-number"}, "the variable WEB_THREADS cannot be used (ValueError)"),
    ],
)
def test_an_environment_that_cannot_be_used_is_one_line(variables: dict[str, str], text: str) -> None:
    code, out = doctor(**variables)

    assert code == 1
    assert out.startswith("wrong    settings: ")
    assert out.count("\n") == 1
    assert text in out
    assert not [value for value in variables.values() if value and value in out]


def test_it_is_one_json_object_too() -> None:
    code, out = doctor("--json", SECRET_KEY="too-weak-a-secret")

    assert code == 1
    assert [each["check"] for each in json.loads(out)["checks"]] == ["settings"]


def test_servers_that_are_away_are_lines(tmp_path: object) -> None:
    code, out = doctor()

    assert code == 1
    lines = out.splitlines()
    assert [line for line in lines if line.startswith("wrong    database: does not accept us")]
    assert [line for line in lines if line.startswith("wrong    broker: does not answer")]
    assert "a-password" not in out
