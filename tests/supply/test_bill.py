"""The bill of materials names what production installs, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integrations.version import VERSION
from tests.supply import bill, locks


def test_every_package_of_production_is_named_with_version_hashes_and_licence() -> None:
    components = {each["name"]: each for each in json.loads(bill.BILL.read_text())["components"]}

    assert sorted(components) == sorted(package.name for package in locks.read(locks.RUN))
    for package in locks.read(locks.RUN):
        named = components[package.name]
        hashes = [each["content"] for each in named["externalReferences"][0]["hashes"]]
        assert (named["purl"], sorted(hashes)) == (f"pkg:pypi/{package.name}@{package.version}", sorted(package.hashes))
        assert hashes
        assert named["licenses"]


def test_what_needs_what_is_that_of_the_lock_file() -> None:
    needs = {each["ref"]: each.get("dependsOn", []) for each in json.loads(bill.BILL.read_text())["dependencies"]}

    assert any(need.startswith("pkg:pypi/django@") for need in needs[f"kingsync@{VERSION}"])
    assert not any(need.startswith("pkg:pypi/urllib3@") for need in needs[f"kingsync@{VERSION}"])
    requests = next(name for name in needs if name.startswith("pkg:pypi/requests@"))
    assert any(need.startswith("pkg:pypi/urllib3@") for need in needs[requests])


def test_a_bill_of_other_packages_does_not_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "run.lock"
    lock.write_text(locks.RUN.read_text().replace("segno==", "segno==99.", 1))
    monkeypatch.setattr(locks, "RUN", lock)

    assert bill.main(["--check"]) == 1
    assert "Run: make sbom" in capsys.readouterr().err


def test_a_package_without_a_known_licence_is_refused() -> None:
    with pytest.raises(bill.UnknownLicenceError, match="no-such-package names no SPDX licence"):
        bill.licence_of("no-such-package")


def test_a_line_of_a_lock_file_that_is_no_package_is_refused(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    lock.write_text(locks.RUN.read_text() + "git+https://example.org/other\n")

    with pytest.raises(ValueError, match="no package of the form name==version"):
        locks.read(lock)
