"""The commands that users script against: arguments, exit codes, JSON."""

from __future__ import annotations

import datetime
import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command, load_command_class
from django.db import connection
from django.utils import timezone

from kingsync.__main__ import main
from kingsync.models import tenants
from kingsync.models.connections import Connection
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.sync_settings import SettingsVersion, SyncSettings
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import WorkOrder
from sandboxes.faults import Fault
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import factories, scenario

pytestmark = pytest.mark.usefixtures("lost_answers_soon_settled")

KEYS = ["read", "created", "updated", "unchanged", "skipped", "rejected", "uncertain", "failed", "deactivated"]


def command(*arguments: str) -> tuple[int, str]:
    """Run a command; return its exit code and its standard output."""
    out = StringIO()
    try:
        call_command(*arguments, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        return int(str(ended.code)), out.getvalue()
    except CommandError as error:
        return error.returncode, out.getvalue()
    return 0, out.getvalue()


def sync(*arguments: str) -> tuple[int, dict[str, Any]]:
    code, out = command("sync", "jansen", *arguments, "--json")
    return code, json.loads(out) if out else {}


@pytest.fixture
def ready(tenant: Tenant, king: KingSandbox) -> Tenant:
    scenario.stock(king)
    factories.settings(tenant)
    return tenant


# --- verify -----------------------------------------------------------------------------------------------------


def verify() -> tuple[int, dict[str, Any]]:
    code, out = command("verify", "jansen", "--json")
    return code, json.loads(out)


def test_verification_prints_one_json_object_and_finds_an_edit_once(
    ready: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart)
    scenario.export()
    outsmart.store.edit_work_order(number, {"Materials": []})
    king.calls.clear()

    first, again = verify(), verify()

    assert first == (1, {"checked": 1, "changed": 1, "notices": 0, "left": 0, "error": None})
    assert again == (0, {"checked": 1, "changed": 0, "notices": 0, "left": 0, "error": None})
    assert set(scenario.calls(king)) == {"Orders_Opvragen"}


def test_verification_that_cannot_ask_king_ends_with_two(
    ready: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    scenario.work_order(outsmart)
    scenario.export()
    king.faults.add(Fault(kind="unauthorized", operation="Orders_Opvragen", times="forever"))

    code, answer = verify()

    assert (code, answer["left"]) == (2, 1)
    assert "inloggegevens" in answer["error"]


def test_verification_without_connections_ends_with_two(db: None) -> None:
    factories.tenant(slug="jansen")

    code, answer = verify()

    assert (code, answer["checked"], bool(answer["error"])) == (2, 0, True)


def test_the_ledger_tells_when_both_systems_were_last_checked(ready: Tenant, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    scenario.export()
    older = timezone.now() - datetime.timedelta(days=2)
    WorkOrder.objects.update(king_checked_at=older)

    entry = json.loads(command("ledger", "jansen", "--json")[1])[0]

    assert datetime.datetime.fromisoformat(entry["last_checked"]) == older.replace(microsecond=0)


# --- sync -------------------------------------------------------------------------------------------------------------


def test_an_export_prints_one_json_object(ready: Tenant, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)

    code, answer = sync("export")

    assert code == 0
    assert list(answer) == ["run", "kind", "state", "counts", "new_problems", "error"]
    assert (answer["kind"], answer["state"], answer["error"]) == ("export", "succeeded", None)
    assert list(answer["counts"]) == KEYS
    assert answer["counts"] == dict.fromkeys(KEYS, 0) | {"read": 1, "created": 1}


def test_exit_code_1_when_some_did_not_go_well(ready: Tenant, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart, WorkorderNo="404")

    code, answer = sync("export")

    assert (code, answer["state"], answer["counts"]["rejected"]) == (1, "partly", 1)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("unauthorized", "License Manager"),
        ("html", "webpagina"),
        ("broken_json", "webpagina"),
        ("http_500", "interne fout"),
    ],
)
def test_exit_code_2_and_one_sentence_when_the_run_fails(
    ready: Tenant, outsmart: OutSmartSandbox, kind: str, words: str
) -> None:
    outsmart.faults.add(Fault(kind=kind, operation="GetWorkorders", times="forever"))  # type: ignore[arg-type]

    code, answer = sync("export")

    assert (code, answer["state"]) == (2, "failed")
    assert words in answer["error"]
    assert "sandbox-token" not in json.dumps(answer)


def test_exit_code_2_while_a_run_is_going_on(ready: Tenant) -> None:
    factories.run(ready, RunKind.EXPORT, RunStatus.QUEUED)

    assert sync("export") == (2, {})


def test_a_run_whose_worker_was_killed_does_not_stand_in_the_way(ready: Tenant) -> None:
    dead = factories.run(ready, RunKind.EXPORT, RunStatus.RUNNING)

    code, _ = sync("export")

    dead.refresh_from_db()
    assert (code, dead.status, dead.error["code"]) == (0, "failed", "interrupted")


@pytest.mark.parametrize("arguments", [["jansen"], ["jansen", "export", "--kind", "products"], ["jansen", "verkoop"]])
def test_bad_arguments_are_refused(arguments: list[str]) -> None:
    sync_command: Any = load_command_class("kingsync", "sync")
    sync_command._called_from_command_line = True
    parser = sync_command.create_parser("manage.py", "sync")

    with pytest.raises(SystemExit) as refused:
        parser.parse_args(arguments)

    assert refused.value.code == 2


def test_an_unknown_tenant_is_refused(db: None) -> None:
    assert command("sync", "niemand", "export")[0] == 2


def test_an_export_that_is_switched_off_is_refused(tenant: Tenant, king: KingSandbox) -> None:
    factories.settings(tenant, export_orders=False)

    code, answer = sync("export")

    assert (code, answer["run"], answer["state"], answer["counts"]) == (2, None, "failed", dict.fromkeys(KEYS, 0))
    assert "“Orders” staat uit" in answer["error"]


def test_chosen_work_orders_only(ready: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    first, _ = scenario.work_order(outsmart), scenario.work_order(outsmart)

    code, answer = sync("export", "--work-order", first)

    assert (code, answer["counts"]["read"]) == (0, 1)
    assert [order["ExternOrderNummer"] for order in scenario.orders(king)] == [f"OS-{first}"]


def test_chosen_kinds_are_imported_in_the_order_of_dependency(ready: Tenant, king: KingSandbox) -> None:
    code, answer = sync("import", "--kind", "products", "warehouses")

    assert (code, answer["counts"]["created"]) == (0, 4)
    assert scenario.calls(king) == ["Magazijnen_Opvragen", "Artikelen_Opvragen"]


def test_a_dry_run_shows_the_king_order_and_writes_nothing(
    ready: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    number = scenario.work_order(outsmart, Materials=[scenario.material("BUIS", "2,5"), scenario.material("ONBEKEND")])

    code, answer = sync("export", "--dry-run")

    (entry,) = answer["plan"]
    assert (code, answer["new_problems"]) == (1, 1)  # as the export would end: the line is refused
    assert (entry["outsmart_id"], entry["action"], entry["header"]["debtor_number"]) == (number, "created", "11")
    told = [(line["action"], line.get("article") or line["source"], line.get("quantity")) for line in entry["lines"]]
    assert told[:2] == [("new", "BUIS", "2.5"), ("new", "MONT", "1")]
    assert told[-1][:2] == ("refused", "ONBEKEND")
    assert scenario.orders(king) == []
    assert scenario.work_order_in_outsmart(outsmart, number)["status"] == "Compleet"
    assert not WorkOrder.objects.exists()
    assert not any(operation.startswith("Order_") for operation in scenario.calls(king))


# --- ledger -----------------------------------------------------------------------------------------------------------


def test_the_ledger_lists_every_work_order_with_its_lines(ready: Tenant, outsmart: OutSmartSandbox) -> None:
    number = scenario.work_order(outsmart, Materials=[scenario.material("ONBEKEND")])
    sync("export")

    code, out = command("ledger", "jansen", "--json")

    (entry,) = json.loads(out)
    assert code == 0
    before = ["outsmart_id", "order_number", "administration", "king_order_number", "king_order_numbers"]
    assert list(entry) == [
        *before,
        "state",
        "reason",
        "attempts",
        "since",
        "last_checked",
        "notice",
        "lines",
        "difference",
    ]
    assert entry["king_order_numbers"] == [entry["king_order_number"]]
    assert (entry["outsmart_id"], entry["state"], entry["attempts"]) == (number, "incomplete", 1)
    assert "ONBEKEND" in entry["reason"]
    refused = next(line for line in entry["lines"] if line["state"] == "refused")
    assert list(refused) == ["kind", "source", "king_line_id", "state", "reason"]
    assert (refused["kind"], refused["source"], refused["king_line_id"]) == ("material", "ONBEKEND", None)


def test_the_ledger_of_another_administration_is_shown_by_its_name(ready: Tenant, outsmart: OutSmartSandbox) -> None:
    scenario.work_order(outsmart)
    sync("export")
    ready.administrations.create(name="OUD", key="oud")

    (entry,) = json.loads(command("ledger", "jansen", "--json")[1])
    _, same = command("ledger", "jansen", "--json", "--administration", entry["administration"].lower())
    code, none = command("ledger", "jansen", "--json", "--administration", "oud")

    assert json.loads(same) == [entry]
    assert (code, json.loads(none)) == (0, [])
    assert command("ledger", "jansen", "--administration", "NERGENS")[0] == 2


# --- apply_tenant, show_tenant ----------------------------------------------------------------------------------------

FILE: dict[str, Any] = {
    "slug": "bakker",
    "name": "Bakker B.V.",
    "outsmart": {"base_url": "https://app.out-smart.com/openapi/8", "token": "tok-en", "software_token": "soft"},
    "king": {
        "base_url": "https://king.bakker.example:8082",
        "administration": "BAKKER01",
        "access_code": "code",
        "access_codes": {"Order_Toevoegen": "other"},
    },
    "exports": {"orders": True, "hour_rounding": 30, "extra_text_lines": ["{order_number}"]},
}


@pytest.fixture
def apply(tmp_path: Path, db: None) -> Any:
    def applied(document: object) -> int:
        file = tmp_path / "tenant.json"
        file.write_text(document if isinstance(document, str) else json.dumps(document))
        return command("apply_tenant", str(file))[0]

    return applied


def show(slug: str = "bakker") -> dict[str, Any]:
    document: dict[str, Any] = json.loads(command("show_tenant", slug)[1])
    return document


def test_a_tenant_file_comes_back_with_its_defaults_and_masked_secrets(apply: Any) -> None:
    assert apply(FILE) == 0

    shown = show()

    assert shown["exports"]["hour_rounding"] == 30
    assert shown["exports"]["extra_text_lines"] == ["{order_number}", "", "", ""]
    assert shown["exports"]["work_order_status"] == "1"
    assert shown["imports"]["brake_percent"] == 5
    assert shown["king"]["busy_codes"] == ["LOCK"]
    assert (shown["outsmart"]["token"], shown["outsmart"]["bearer_token"]) == ("***", "")
    assert (shown["king"]["access_code"], shown["king"]["access_codes"]) == ("***", {"Order_Toevoegen": "***"})


def test_applying_what_was_shown_changes_nothing(apply: Any) -> None:
    apply(FILE)

    assert apply(show()) == 0

    bakker = Tenant.objects.get(slug="bakker")
    with tenants.scope(bakker):
        assert SettingsVersion.objects.count() == 1
        assert {c.system: c.credentials for c in Connection.objects.all()}["king"] == {
            "access_code": "code",
            "access_codes": {"Order_Toevoegen": "other"},
        }


def test_keys_that_an_update_does_not_name_stay(apply: Any) -> None:
    apply(FILE)

    assert apply({"slug": "bakker", "exports": {"approve_order": True}}) == 0

    exports = show()["exports"]
    assert (exports["approve_order"], exports["hour_rounding"]) == (True, 30)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"exports": {"hour_roundin": 5}}, "exports.hour_roundin"),
        ({"exports": {"hour_rounding": 7}}, "exports.hour_rounding"),
        ({"exports": {"extra_text_lines": ["{order_nr}"]}}, "exports.extra_text_lines.0"),
        ({"exports": {"extra_text_lines": ["", "", "", "", ""]}}, "exports.extra_text_lines"),
        ({"exports": {"from_date": "gisteren"}}, "exports.from_date"),
        ({"exports": {"interim_updates": True}}, "exports.order_update_status"),
        ({"schedule": {"import_minutes": 0}}, "schedule.import_minutes"),
        ({"imports": {"customers": {"inactive": "delete"}}}, "imports.customers.inactive"),
        ({"king": {"access_codes": {"Order_Maken": "x"}}}, "king.access_codes.Order_Maken"),
        ({"king": {"base_url": "http://king.bakker.example"}}, "king.base_url"),
        ({"outsmart": {"base_url": "https://192.168.1.1/openapi/8"}}, "outsmart.base_url"),
        ({"outsmart": {"token": "***"}}, "outsmart.token"),
        ({"notifications": {"emails": ["niemand"]}}, "notifications.emails.0"),
        ({"name": ""}, "name"),
        ({"slug": "Bakker & Zn"}, "slug"),
    ],
)
def test_a_bad_file_is_refused_with_its_path_and_stores_nothing(
    tmp_path: Path, db: None, change: dict[str, Any], path: str
) -> None:
    document = {"slug": "bakker", "name": "Bakker B.V.", "exports": {"hour_rounding": 5}} | change
    file = tmp_path / "tenant.json"
    file.write_text(json.dumps(document))

    with pytest.raises(CommandError) as refused:
        call_command("apply_tenant", str(file))

    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [path]
    assert refused.value.returncode == 2
    assert not Tenant.objects.exists()


def test_a_file_that_is_no_json_or_not_there_is_refused(apply: Any) -> None:
    assert apply("{") == 2
    assert apply("[]") == 2
    assert command("apply_tenant", "/nergens.json")[0] == 2


def test_new_settings_are_a_new_version(apply: Any) -> None:
    apply(FILE)
    apply(FILE | {"exports": {"hour_rounding": 5}})

    with tenants.scope(Tenant.objects.get(slug="bakker")):
        assert SyncSettings.objects.get().version == 2
        assert list(SettingsVersion.objects.order_by("version").values_list("version", flat=True)) == [1, 2]


def test_no_secret_stands_in_the_database_in_clear(apply: Any) -> None:
    apply(FILE)

    with tenants.across(), connection.cursor() as cursor:
        cursor.execute("SELECT credentials FROM kingsync_connection")
        stored = " ".join(row[0] for row in cursor.fetchall())
    assert stored
    assert not any(secret in stored for secret in ("tok-en", "soft", "code", "other"))


def test_a_run_is_left_in_its_own_words_for_dry_runs(ready: Tenant) -> None:
    sync("import", "--dry-run")

    assert SyncRun.objects.get().is_dry


def test_a_dry_import_tells_per_kind_what_would_happen(
    ready: Tenant, king: KingSandbox, outsmart: OutSmartSandbox
) -> None:
    call_command("sync", "jansen", "import", stdout=StringIO())
    king.store.put_record("article", "BUIS", {"OmschrijvingKort": "Buis", "VerkoopPrijsExclBtw": 7.0})
    king.store.put_record("debtor", "10", {"BlokkeerOrderInvoer": 1})
    king.store.put_record("debtor", "99", {"Naam1": "Zonder adres"})
    for number in range(8):
        king.store.put_record("rate", f"R{number}", {"OmschrijvingKort": f"Uur {number}"})
    outsmart.calls.clear()

    code, out = command("sync", "jansen", "import", "--dry-run")

    told = out.splitlines()
    assert code == 1
    assert "products: read 2, updated 1, unchanged 1" in told
    assert "  updated product BUIS Buis: price “6.40” → “7.00”" in told
    assert "  deactivated customer 10 Klant 10: active “1” → “0”" in told
    assert [line for line in told if line.startswith("  rejected customer 99 Zonder adres: King ")]
    assert "  created hour_type R0 Uur 0" in told
    assert "  created … 3 more" in told
    assert [call for call in outsmart.calls.all() if call.method == "POST"] == []


def test_a_dry_import_has_a_plan_entry_for_each_record(ready: Tenant) -> None:
    code, answer = sync("import", "--dry-run")

    assert code == 0
    assert {(each["kind"], each["king_id"], each["action"]) for each in answer["plan"]} == {
        *(("customer", number, "created") for number in ("10", "11")),
        *(("product", number, "created") for number in ("BUIS", "KNIE")),
        *(("warehouse", number, "created") for number in ("1", "2")),
        ("hour_type", "MONT", "created"),
    }
    assert all(each["row"] for each in answer["plan"])


def test_argument_that_is_no_text_is_refused_with_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["manage.py", "ledger", b"jans\xe9n".decode(errors="surrogateescape")])

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 2
    assert "Argument 2 is not text" in capsys.readouterr().err
