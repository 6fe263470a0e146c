"""The security rules of the linter (ruff's S, those of bandit) are on, and every exception says why."""

from __future__ import annotations

import re
import tomllib

from devservers.places import CHECKOUT

# Migrations are generated, and tests may use passwords and `assert`.
ROOMS = ("kingsync", "integrations", "sandboxes", "devservers")
_EXCEPTION = re.compile(r"# noqa: (?P<rules>[A-Z0-9, ]*\bS[0-9]{3}\b[A-Z0-9, ]*)(?P<reason>.*)")


def test_the_security_rules_are_on_for_everything_that_production_runs() -> None:
    lint = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    excused = {
        place: [rule for rule in rules if rule.startswith("S")] for place, rules in lint["per-file-ignores"].items()
    }

    assert "S" in lint["select"]
    assert [rule for rule in lint["ignore"] if re.fullmatch(r"S\d*", rule)] == []
    assert {
        place for place, rules in excused.items() if rules and place.startswith(("kingsync", "integrations"))
    } == set()


def test_every_exception_to_a_security_rule_says_why() -> None:
    exceptions = {
        f"{path.relative_to(CHECKOUT)}:{number}": found["reason"]
        for room in ROOMS
        for path in (CHECKOUT / room).rglob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if (found := _EXCEPTION.search(line))
    }

    assert len(exceptions) > 10
    assert [place for place, reason in exceptions.items() if not re.search(r"\w{3,}", reason)] == []
