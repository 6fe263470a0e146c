"""Whether a locked version has a known vulnerability, by requirements/advisories.json: `make audit`, without network.

What is accepted for now is in requirements/accepted.toml, each with a reason and the day on which that ends.
"""

from __future__ import annotations

import datetime
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from tests.supply import advisories, locks
from tests.supply.advisories import Advisories, Advisory

ACCEPTED = locks.REQUIREMENTS / "accepted.toml"
OLD_AFTER = datetime.timedelta(days=30)


class Accepted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A vulnerability that does not stop the gate, until that day."""

    id: str
    package: str
    reason: str
    until: datetime.date


@dataclass
class Result:
    failures: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def accepted(file: Path = ACCEPTED) -> tuple[Accepted, ...]:
    """Return the list of exceptions. Raises `msgspec.ValidationError` for an entry without its reason or day."""
    entries = tomllib.loads(file.read_text()).get("accepted", [])
    found = msgspec.convert(entries, tuple[Accepted, ...])
    for each in found:
        if not each.reason.strip():
            raise msgspec.ValidationError(f"{each.id} is accepted without a reason")
    return found


def judged(
    known: Advisories,
    packages: Sequence[locks.Package],
    exceptions: Sequence[Accepted],
    *,
    today: datetime.date,
) -> Result:
    """Compare the locked versions with the advisories."""
    result = Result(warnings=_doubts(known, packages, today=today))
    open_ones = {(each.package, each.id) for each in exceptions if today <= each.until}
    for package in packages:
        for advisory in known.releases.get(_key(package), ()):
            names = {(package.name, name) for name in (advisory.id, *advisory.aliases)}
            if not names & open_ones:
                result.failures.append(_sentence(package, advisory))
    return result


def _doubts(known: Advisories, packages: Sequence[locks.Package], *, today: datetime.date) -> list[str]:
    """Return what keeps the answer from being certain."""
    if known.date is None:
        return ["could not run: PyPI was never asked about these versions. Run where pypi.org answers: make advisories"]
    doubts = []
    if today - known.date > OLD_AFTER:
        doubts.append(f"the advisories are of {known.date}, more than {OLD_AFTER.days} days ago. Run: make advisories")
    unasked = [_key(package) for package in packages if _key(package) not in known.releases]
    if unasked:
        doubts.append(f"PyPI was not asked about {', '.join(unasked)}. Run: make advisories")
    return doubts


def _sentence(package: locks.Package, advisory: Advisory) -> str:
    names = ", ".join((advisory.id, *advisory.aliases))
    cure = (
        f"fixed in {', '.join(advisory.fixed_in)}: raise it and run make lock" if advisory.fixed_in else "not fixed yet"
    )
    return f"{package.name} {package.version} has a known vulnerability: {names} ({cure}) {advisory.link}".rstrip()


def _key(package: locks.Package) -> str:
    return f"{package.name}=={package.version}"


def main() -> int:
    """Print what is known; return the exit code: 1 for a vulnerability that is not accepted, or an unreadable file."""
    today = datetime.datetime.now(datetime.UTC).date()
    try:
        result = judged(advisories.stored(), advisories.locked(), accepted(), today=today)
    except (OSError, ValueError) as problem:
        print(f"audit     {problem}", file=sys.stderr)
        return 1
    for line in (*result.warnings, *result.failures):
        print(f"audit     {line}", file=sys.stderr)
    return 1 if result.failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
