"""Known vulnerabilities of the locked versions, asked of PyPI: `make advisories` writes requirements/advisories.json.

PyPI passes on the advisories of the PyPA and of OSV for each release. The gate reads the file and needs no network.
"""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import requests

from tests.supply import locks

FILE = locks.REQUIREMENTS / "advisories.json"
SOURCE = "https://pypi.org/pypi"
_SECONDS = 20


class Advisory(msgspec.Struct, frozen=True):
    id: str
    aliases: tuple[str, ...] = ()
    fixed_in: tuple[str, ...] = ()
    link: str = ""


class Advisories(msgspec.Struct, frozen=True):
    """What PyPI said of each `name==version`, and when; without a date it was never asked."""

    source: str = SOURCE
    date: datetime.date | None = None
    releases: dict[str, tuple[Advisory, ...]] = {}


class NotReachableError(Exception):
    """PyPI's JSON interface gave no answer that can be used."""


class _Reported(msgspec.Struct):
    id: str
    aliases: tuple[str, ...] = ()
    fixed_in: tuple[str, ...] = ()
    link: str | None = None
    withdrawn: str | None = None


class _Release(msgspec.Struct):
    # Required: an answer without it says nothing about vulnerabilities.
    vulnerabilities: list[_Reported]


def stored(file: Path = FILE) -> Advisories:
    """Return the pinned file. Raises `msgspec.ValidationError` or `OSError` where it cannot be read."""
    return msgspec.json.decode(file.read_bytes(), type=Advisories)


def fetched(packages: list[locks.Package], *, source: str = SOURCE, today: datetime.date) -> Advisories:
    """Ask about every package. Raises `NotReachableError` unless all are answered: half a file would look like all."""
    with requests.Session() as session:
        releases = {f"{each.name}=={each.version}": _of(session, source, each) for each in packages}
    return Advisories(date=today, releases=dict(sorted(releases.items())))


def _of(session: requests.Session, source: str, package: locks.Package) -> tuple[Advisory, ...]:
    try:
        answer = session.get(f"{source}/{package.name}/{package.version}/json", timeout=_SECONDS)
        answer.raise_for_status()
        release = msgspec.json.decode(answer.content, type=_Release)
    except requests.HTTPError as failure:
        raise NotReachableError(f"{package.name} {package.version}: HTTP {failure.response.status_code}") from None
    except (requests.RequestException, msgspec.MsgspecError) as failure:
        raise NotReachableError(f"{package.name} {package.version}: {type(failure).__name__}") from None
    return tuple(
        Advisory(each.id, each.aliases, each.fixed_in, each.link or "")
        for each in sorted(release.vulnerabilities, key=lambda each: each.id)
        if not each.withdrawn
    )


def locked() -> list[locks.Package]:
    """Return what any lock file names, each release once."""
    found = {(each.name, each.version): each for lock in locks.ALL for each in locks.read(lock)}
    return [found[key] for key in sorted(found)]


def save(advisories: Advisories, file: Path = FILE) -> None:
    content: dict[str, Any] = msgspec.to_builtins(advisories)
    file.write_text(json.dumps(content, indent=1) + "\n")


def main() -> int:
    """Refresh the pinned file; return the exit code."""
    today = datetime.datetime.now(datetime.UTC).date()
    try:
        save(fetched(locked(), today=today))
    except NotReachableError as problem:
        since = stored().date or "never refreshed"
        print(
            f"advisories PyPI ({SOURCE}) did not answer about {problem}. The pinned file stays as it is: {since}.",
            file=sys.stderr,
        )
        return 1
    print(f"advisories {FILE.name} is of {today}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
