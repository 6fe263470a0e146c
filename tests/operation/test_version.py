"""One version: wherever it is said, it is that of `integrations/version.py`."""

from __future__ import annotations

import importlib
import json
import logging
import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from celery.signals import worker_ready
from django.test import Client

import kingsync
from devservers.places import CHECKOUT
from integrations import version
from tests import factories
from tests.contract.http_stub import WRITE, HttpStub
from tests.contract.socket_server import SocketServer, answer, says
from tests.web.pages import text


def test_the_wheel_takes_its_version_from_the_program() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())

    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "integrations/version.py"
    assert kingsync.__version__ == version.VERSION


def test_the_newest_heading_of_the_changelog_is_this_version_with_its_date() -> None:
    [newest] = re.findall(r"^## (.*)$", (CHECKOUT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[:1]

    assert re.fullmatch(rf"{re.escape(version.VERSION)} \(\d{{4}}-\d\d-\d\d\)", newest)


def test_the_page_of_production_installs_this_version() -> None:
    page = (CHECKOUT / "docs" / "production.md").read_text()

    assert f"export VERSION={version.VERSION}\n" in page
    assert f"kingsync:{version.VERSION} " in (CHECKOUT / "docs" / "kubernetes.md").read_text()


def test_the_servers_of_both_systems_see_which_version_calls() -> None:
    with SocketServer(says(answer(b"ok"))) as server:
        line = HttpStub()
        line.send(WRITE, server.url)
        line.transport.close()

    assert f"\r\nUser-Agent: kingsync/{version.VERSION}\r\n" in bytes(server.requests[0]).decode()


@pytest.mark.django_db
def test_who_is_logged_in_sees_the_version_and_a_stranger_does_not(client: Client) -> None:
    shown = f"kingsync {version.VERSION}"
    stranger = text(client.get("/login/"))
    client.force_login(factories.user("Bob"))

    assert shown not in stranger
    assert shown in text(client.get("/account/"))


def test_the_web_server_says_its_version_when_it_starts() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kingsync.serve", "--help"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )

    assert done.stderr == f"web.started: the web server of kingsync {version.VERSION}\n"


def test_a_worker_says_its_version_when_it_starts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    importlib.import_module("kingsync.celery")  # as a worker does: it hears the signal
    heartbeats = importlib.import_module("kingsync.runs.heartbeats")
    monkeypatch.setattr(heartbeats, "keep_beating", lambda *_arguments, **_options: None)

    worker_ready.send(sender=None)

    assert f"worker.started: a worker of kingsync {version.VERSION}" in caplog.messages


@pytest.mark.parametrize("package", ["kingsync", "integrations"])
def test_types_are_there_for_who_uses_a_package(package: str) -> None:
    assert (CHECKOUT / package / "py.typed").exists()


def test_the_licence_is_whole_and_named_in_the_package() -> None:
    licence = (CHECKOUT / "LICENSE").read_text()
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]

    assert "Apache License\n                           Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])


def test_the_pipelines_run_the_gate_with_pinned_parts() -> None:
    github = yaml.safe_load((CHECKOUT / ".github" / "workflows" / "gate.yml").read_text())
    gitlab = yaml.safe_load((CHECKOUT / ".gitlab-ci.yml").read_text())
    steps = github["jobs"]["gate"]["steps"]

    assert "make test" in steps[-1]["run"]
    assert "make test" in gitlab["gate"]["script"][-1]
    assert all(re.fullmatch(r"[\w/-]+@v\d+\.\d+\.\d+", step["uses"]) for step in steps if "uses" in step)
    assert re.fullmatch(r"[\w-]+-\d+\.\d+", github["jobs"]["gate"]["runs-on"])
    [pythons] = gitlab["gate"]["parallel"]["matrix"]
    assert all(re.fullmatch(r"3\.\d+\.\d+", each) for each in pythons["PYTHON"])


def test_hooks_before_a_commit_are_programs_of_the_checkout() -> None:
    [repository] = yaml.safe_load((CHECKOUT / ".pre-commit-config.yaml").read_text())["repos"]

    assert repository["repo"] == "local"
    for hook in repository["hooks"]:
        program = hook["entry"].split()[0]
        assert (CHECKOUT / program).exists(), json.dumps(hook)
        assert hook["language"] == "system"
