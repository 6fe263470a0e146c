"""A support bundle holds what helps, and nothing that is secret or names anyone: both are planted everywhere."""

from __future__ import annotations

import json
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as deployment
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from pytest_django import Settings

from kingsync.messages.reason_texts import stored
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.runs import LogEntry, RunStatus
from kingsync.models.tenants import Tenant
from kingsync.rules.outcomes import reason
from kingsync.upkeep.support import bundle
from tests import factories
from tests.upkeep.tenant_data import companies
from tests.upkeep.tenant_data.companies import MINE, THEIRS

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "Zq7kV9-planted-secret-0123456789-abcdefgh"


@pytest.fixture
def tenant(settings: Settings, tmp_path: Path) -> Tenant:
    """Make a company with its name in every column that takes one, and secrets in its connections and the settings."""
    settings.SECRET_KEY = settings.OUTSMART_SOFTWARE_TOKEN = settings.EMAIL_HOST_PASSWORD = SECRET
    settings.OUTGOING_PROXY = f"http://user:{SECRET}@proxy.example:3128"
    settings.ENCRYPTION_KEYS = [SECRET]
    made = companies.full(MINE)
    with tenants.scope(made):
        _plant(made)
    return made


def _plant(tenant: Tenant) -> None:
    problem = {"system": MINE, "operation": f"{MINE} 7", "detail": MINE, "code": MINE, "status": "503"}
    error: dict[str, object] = {"code": "system.unreachable", "params": problem}
    run = factories.run(tenant, status=RunStatus.FAILED, error=error, options={"work_orders": [MINE]}, outcomes=[MINE])
    file_error = stored(reason("system.file_missing", system="king", operation=MINE))
    factories.run(tenant, error=file_error)
    call = {"system": "king", "operation": "Order_Toevoegen", "seconds": 0.5, "status": 200, "reason": "refused"}
    call |= {"query": {"name": MINE}, "body": f"<Naam>{MINE}</Naam>", "answer": SECRET}
    entry = {"level": LogEntry.Level.ERROR, "event": "order.rejected", "outsmart_id": f"7-{MINE}", "king_id": MINE}
    factories.log_entry(run, **entry, code="order_refused", params={"detail": MINE}, detail={"call": call})
    for system in System:
        row = Connection.objects.get(system=system)
        row.credentials, row.ca_certificate = {"token": SECRET}, SECRET
        row.save()
        row.failed(error)


def made(path: Path, *words: str) -> dict[str, str]:
    call_command("support_bundle", str(path), *words, stdout=StringIO())
    with zipfile.ZipFile(path) as zipped:
        assert zipped.testzip() is None
        return {name: zipped.read(name).decode() for name in zipped.namelist()}


def lines(content: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def test_it_holds_no_secret_and_names_no_one(tenant: Tenant, tmp_path: Path) -> None:
    companies.full(THEIRS)

    found = made(tmp_path / "bundle.zip")

    everything = "\n".join([*found, *found.values()]).lower()
    password = str(deployment.DATABASES["default"]["PASSWORD"])
    planted = [MINE, THEIRS, SECRET, "Zq7kV9", "@", *([password] if password else [])]
    secrets = [code for each in factories.SECRETS.values() for code in each.values() if isinstance(code, str)]
    assert [each for each in [*planted, *secrets, "Naam"] if each.lower() in everything] == []
    assert len(everything) > 2_000


def test_it_holds_what_helps(tenant: Tenant, tmp_path: Path) -> None:
    found = made(tmp_path / "bundle.zip")

    assert "database" in found["doctor.txt"]
    assert json.loads(found["versions.json"])["packages"]["Django"]
    shown = json.loads(found["settings.json"])
    assert (shown["SECRET_KEY"] in ("set", "not set"), shown["WEB_THREADS"]) == (True, deployment.WEB_THREADS)
    [company] = json.loads(found["companies.json"])
    assert (company["company"], company["is_licensed"]) == (tenant.pk, True)
    assert company["settings"][0]["hour_rounding"] == 15
    assert company["work_orders"] == {"done": 1}
    assert {each["problem"]["code"] for each in company["connections"]} == {"system.unreachable"}
    runs = lines(found["runs.jsonl"])
    failed = [each["error"] for each in runs if each["status"] == "failed"]
    assert failed == [{"code": "system.unreachable", "params": {"status": "503"}}]
    refused = next(each for each in lines(found["log.jsonl"]) if each["event"] == "order.rejected")
    assert refused["reason"] == {"code": "order_refused"}
    assert refused["call"] == {
        "system": "king",
        "operation": "Order_Toevoegen",
        "seconds": 0.5,
        "status": 200,
        "reason": "refused",
    }
    assert len(refused["work_order"]) == 10


def test_a_record_has_the_same_mark_throughout_and_another_in_the_next_bundle(tenant: Tenant, tmp_path: Path) -> None:
    run = factories.run(tenant)
    for _twice in range(2):
        factories.log_entry(run, outsmart_id="7001")

    def marks(name: str) -> set[str]:
        entries = lines(made(tmp_path / name)["log.jsonl"])
        return {each["work_order"] for each in entries if each["run"] == run.pk}

    one, other = marks("one.zip"), marks("other.zip")
    assert len(one) == len(other) == 1
    assert one != other


def test_it_may_be_of_one_company_only(tenant: Tenant, tmp_path: Path) -> None:
    other = companies.full(THEIRS)

    found = made(tmp_path / "bundle.zip", "--tenant", "goudappel")

    assert [each["company"] for each in json.loads(found["companies.json"])] == [other.pk]
    assert {each["company"] for each in lines(found["runs.jsonl"]) + lines(found["log.jsonl"])} == {other.pk}


def test_what_cannot_be_had_is_a_line_in_its_place(
    tenant: Tenant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_tenant: object) -> list[dict[str, Any]]:
        raise DatabaseError(f"no answer from {SECRET}")

    monkeypatch.setattr(bundle, "_runs", broken)

    found = made(tmp_path / "bundle.zip")

    assert found["runs.jsonl"] == "not available (DatabaseError)\n"
    assert lines(found["log.jsonl"])


def test_a_file_that_exists_and_an_unknown_company_are_refused(tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "bundle.zip").write_text("mine")

    for words in ([str(tmp_path / "bundle.zip")], [str(tmp_path / "new.zip"), "--tenant", "nobody"]):
        with pytest.raises(CommandError) as refused:
            call_command("support_bundle", *words)
        assert refused.value.returncode == 2
    assert (tmp_path / "bundle.zip").read_text() == "mine"
