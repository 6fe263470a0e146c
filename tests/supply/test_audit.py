"""A known vulnerability of a locked version stops the gate, also without network."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import msgspec
import pytest
import responses

from tests.supply import advisories, audit, locks
from tests.supply.advisories import Advisories, Advisory
from tests.supply.audit import Accepted

TODAY = datetime.date(2026, 11, 22)
DJANGO = locks.Package("django", "5.2.1", hashes=(), needed_by=(), is_direct=True)
SEGNO = locks.Package("segno", "1.6.6", hashes=(), needed_by=(), is_direct=True)
KNOWN = Advisories(
    date=TODAY,
    releases={
        "django==5.2.1": (Advisory("PYSEC-2025-1", ("CVE-2025-57833",), ("5.2.6",), "https://osv.dev/PYSEC-2025-1"),),
        "segno==1.6.6": (),
    },
)


def _judged(known: Advisories = KNOWN, *exceptions: Accepted, today: datetime.date = TODAY) -> audit.Result:
    return audit.judged(known, [DJANGO, SEGNO], exceptions, today=today)


def _accepted(name: str, *, package: str = "django", until: datetime.date = TODAY) -> Accepted:
    return Accepted(id=name, package=package, reason="not reachable here", until=until)


def test_a_known_vulnerability_fails_with_its_names_and_its_cure() -> None:
    result = _judged()

    assert result.warnings == []
    assert result.failures == [
        "django 5.2.1 has a known vulnerability: PYSEC-2025-1, CVE-2025-57833 "
        "(fixed in 5.2.6: raise it and run make lock) https://osv.dev/PYSEC-2025-1"
    ]


@pytest.mark.parametrize("name", ["PYSEC-2025-1", "CVE-2025-57833"])
def test_an_accepted_one_passes_until_its_day(name: str) -> None:
    assert _judged(KNOWN, _accepted(name)).failures == []
    assert len(_judged(KNOWN, _accepted(name), today=TODAY + datetime.timedelta(days=1)).failures) == 1


def test_an_exception_is_for_one_package_only() -> None:
    assert len(_judged(KNOWN, _accepted("PYSEC-2025-1", package="segno")).failures) == 1


@pytest.mark.parametrize(("days", "warned"), [(30, False), (31, True)])
def test_an_old_file_warns_and_does_not_fail(days: int, warned: bool) -> None:
    old = msgspec.structs.replace(KNOWN, date=TODAY - datetime.timedelta(days=days), releases={"segno==1.6.6": ()})
    result = audit.judged(old, [SEGNO], (), today=TODAY)

    assert (len(result.warnings), result.failures) == (int(warned), [])


def test_a_version_that_nobody_asked_about_is_named() -> None:
    result = audit.judged(Advisories(date=TODAY), [SEGNO], (), today=TODAY)

    assert result.warnings == ["PyPI was not asked about segno==1.6.6. Run: make advisories"]


def test_a_file_that_was_never_refreshed_says_that_the_audit_could_not_run() -> None:
    assert [line.partition(":")[0] for line in _judged(Advisories()).warnings] == ["could not run"]


def test_the_gate_ends_with_1_and_the_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    package = advisories.locked()[0]
    known = Advisories(date=TODAY, releases={f"{package.name}=={package.version}": (Advisory("PYSEC-2026-1"),)})
    advisories.save(known, tmp_path / "advisories.json")
    stored = advisories.stored(tmp_path / "advisories.json")
    monkeypatch.setattr(advisories, "stored", lambda: stored)

    assert audit.main() == 1
    assert "has a known vulnerability: PYSEC-2026-1 (not fixed yet)" in capsys.readouterr().err


@pytest.mark.parametrize("entry", ['reason = " "', "", 'reason = "a"\nreasons = "b"'])
def test_an_exception_without_its_reason_is_refused(entry: str, tmp_path: Path) -> None:
    file = tmp_path / "accepted.toml"
    file.write_text(f'[[accepted]]\nid = "CVE-1"\npackage = "django"\nuntil = 2026-12-31\n{entry}\n')

    with pytest.raises(msgspec.ValidationError):
        audit.accepted(file)


def test_the_files_of_the_repository_can_be_read() -> None:
    audit.accepted()

    assert advisories.stored().source == advisories.SOURCE
    assert {"django", "pytest", "uv"} <= {each.name for each in advisories.locked()}


@responses.activate
def test_what_pypi_says_of_a_release_is_kept_without_what_was_withdrawn() -> None:
    reported = [
        {
            "id": "PYSEC-2",
            "aliases": ["CVE-2"],
            "fixed_in": ["5.2.6"],
            "link": "https://osv.dev/PYSEC-2",
            "withdrawn": None,
        },
        {"id": "PYSEC-1", "aliases": [], "fixed_in": [], "link": None, "withdrawn": "2026-01-01T00:00:00Z"},
    ]
    responses.get("https://pypi.org/pypi/django/5.2.1/json", json={"info": {}, "vulnerabilities": reported})

    found = advisories.fetched([DJANGO], today=TODAY)

    assert found.releases == {
        "django==5.2.1": (Advisory("PYSEC-2", ("CVE-2",), ("5.2.6",), "https://osv.dev/PYSEC-2"),)
    }


@pytest.mark.parametrize(("status", "body"), [(404, {}), (200, {"info": {}}), (200, [1])])
@responses.activate
def test_an_answer_without_advisories_is_no_clean_bill(status: int, body: object) -> None:
    responses.get("https://pypi.org/pypi/django/5.2.1/json", body=json.dumps(body), status=status)

    with pytest.raises(advisories.NotReachableError, match=r"django 5\.2\.1"):
        advisories.fetched([DJANGO], today=TODAY)
