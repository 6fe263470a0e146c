"""The systemd units: they start what the compose file starts, wait as long, and are hardened alike."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from django.conf import settings

from devservers.places import CHECKOUT
from kingsync import serve, thread_worker
from tests import patience
from tests.deploy import unit_files

COMPOSE = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
# Part → its service of the compose file.
PARTS = {"web": "web", "exports": "worker-exports", "imports": "worker-imports", "clock": "beat"}
ANALYZE = shutil.which("systemd-analyze")
# Of ten; systemd calls up to 4.0 "OK", and what has no hardening at all gets 9.6.
EXPOSURE_AT_MOST = 25


@pytest.mark.parametrize("part", PARTS)
def test_a_unit_starts_what_the_compose_file_starts(part: str) -> None:
    here = unit_files.command(part).replace(f"{unit_files.CURRENT}/.venv/bin/", "")

    assert here == COMPOSE[PARTS[part]]["command"].replace("--host 0.0.0.0", "--host 127.0.0.1")


def test_exports_run_in_as_many_threads_as_the_demo_has() -> None:
    operations = (CHECKOUT / "docs" / "operations.md").read_text()

    assert " ".join(thread_worker.OPTIONS) in COMPOSE["worker-exports"]["command"]
    assert f"--queues exports {' '.join(thread_worker.OPTIONS)}`" in operations
    assert f"{thread_worker.SHARED_ANSWER_BYTES // 1024**2} MiB at most" in operations
    assert "--pool" not in COMPOSE["worker-imports"]["command"]


@pytest.mark.parametrize("part", ["exports", "imports"])
def test_a_worker_gets_the_time_for_its_slice_and_its_pool_is_not_signalled(part: str) -> None:
    grace = COMPOSE[PARTS[part]]["stop_grace_period"]

    assert unit_files.values(part, "TimeoutStopSec") == [f"{grace}in"]  # 16m and 16min
    assert unit_files.stop_seconds(part) > settings.CELERY_TASK_TIME_LIMIT
    assert f"({settings.CELERY_TASK_TIME_LIMIT} s)" in unit_files.path_of(part).read_text()
    assert unit_files.values(part, "KillMode") == ["mixed"]


def test_the_web_server_gets_the_time_for_its_requests() -> None:
    assert unit_files.values("web", "TimeoutStopSec") == [COMPOSE["web"]["stop_grace_period"]]
    assert settings.WEB_REQUEST_SECONDS < serve.KILLED_AFTER_SECONDS < unit_files.stop_seconds("web")


def test_the_target_wants_every_part_and_each_stops_with_it() -> None:
    target = (unit_files.FOLDER / "kingsync.target").read_text()
    [wanted] = re.findall(r"^Wants=(.*)$", target, flags=re.MULTILINE)

    assert set(wanted.split()) == {f"kingsync-{part}.service" for part in PARTS}
    assert all(unit_files.values(part, "PartOf") == ["kingsync.target"] for part in PARTS)


@pytest.mark.parametrize("part", unit_files.SERVICES)
def test_a_service_is_an_ordinary_user_that_writes_in_its_own_folder_only(part: str) -> None:
    assert unit_files.values(part, "User") == ["kingsync"]
    assert unit_files.values(part, "NoNewPrivileges") == ["yes"]
    assert unit_files.values(part, "ProtectSystem") == ["strict"]
    assert unit_files.values(part, "StateDirectory") == ([] if part == "backup" else ["kingsync"])
    assert unit_files.values(part, "ReadWritePaths") == (["/var/backups/kingsync"] if part == "backup" else [])


def test_all_services_are_hardened_alike() -> None:
    hardening = {part: unit_files.path_of(part).read_text().partition("UMask=")[2] for part in unit_files.SERVICES}

    assert len(set(hardening.values())) == 1
    assert "SystemCallFilter=@system-service" in hardening["web"]


def test_programs_and_files_that_units_name_exist() -> None:
    named = {
        path
        for part in unit_files.SERVICES
        for path in re.findall(rf"{unit_files.CURRENT}/(?!\.venv)(\S+)", unit_files.path_of(part).read_text())
    }

    assert named == {"deploy/backup.py", "docs/production.md"}
    assert all((CHECKOUT / path).exists() for path in named)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Return the units as on a machine that has what they name."""
    for file in unit_files.FOLDER.iterdir():
        text = file.read_text().replace(f"{unit_files.CURRENT}/.venv/bin/", f"{CHECKOUT}/.venv/bin/")
        (tmp_path / file.name).write_text(re.sub(rf"{unit_files.CURRENT}\b", str(CHECKOUT), text))
    return tmp_path


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed: the units are not verified")
def test_systemd_finds_no_mistake_in_the_units(installed: Path) -> None:
    units = sorted(str(path) for path in installed.iterdir())

    done = _analyze("verify", "--man=no", "--recursive-errors=no", *units)

    # What it says of others: this machine's own units, and services that this machine does not have.
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "kingsync" in line]
    assert [line for line in ours if "not found" not in line] == []


@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed: exposure is not measured")
def test_systemd_calls_the_exposure_of_a_service_small(installed: Path) -> None:
    for part in unit_files.SERVICES:
        unit = str(installed / unit_files.path_of(part).name)
        done = _analyze("security", "--offline=true", f"--threshold={EXPOSURE_AT_MOST}", "--no-pager", unit)

        assert done.returncode == 0, done.stdout[-400:] + done.stderr


def _analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ANALYZE), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=patience.SECONDS)
