"""What tests of whole runs do at both ends: supply work, run, and look at King's side."""

from __future__ import annotations

import copy
import datetime
import itertools
import json
from pathlib import Path
from typing import Any

from django.utils import timezone

from kingsync import worker
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.sync_settings import SyncSettings
from kingsync.models.work_orders import OrderLine, WorkOrder
from kingsync.runs import lifecycle
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import KingStore
from sandboxes.outsmart.sandbox import OutSmartSandbox

FOREVER = 1e6
SAMPLES = Path(__file__).parent / "samples"
_ids = itertools.count(7001)


def run(kind: RunKind, **options: Any) -> SyncRun:
    """Run in the foreground, in the open scope; return the run as it ended."""
    requested = lifecycle.request(kind=kind, trigger=SyncRun.Trigger.COMMAND, options=options)
    worker.work_slice(requested.run.pk, slice_seconds=FOREVER)
    return SyncRun.objects.get(pk=requested.run.pk)


def export(**options: Any) -> SyncRun:
    return run(RunKind.EXPORT, **options)


def load(*kinds: str, **options: Any) -> SyncRun:
    """Run an import of these kinds (none: those that are switched on)."""
    return run(RunKind.IMPORT, **({"kinds": list(kinds)} if kinds else {}), **options)


def counts(of: SyncRun) -> dict[str, int]:
    """Return the counts that are not zero."""
    return {name: number for name, number in of.counts().items() if number}


def stock(king: KingSandbox) -> None:
    """Give King the master data that the work orders of `work_order` refer to."""
    stock_administration(king.store)


def stock_administration(store: KingStore) -> None:
    for number in ("10", "11"):
        store.put_record(
            "debtor", number, {"Naam1": f"Klant {number}", "Straat": "Kade", "PostCode": "1000 AA", "Woonplaats": "Ede"}
        )
    store.put_record("warehouse", "1", {"Omschrijving": "Hoofdmagazijn", "IsDefault": 1})
    store.put_record("warehouse", "2", {"Omschrijving": "Bus"})
    store.put_record("article", "BUIS", {"OmschrijvingKort": "Buis", "AantalDecimalen": 2, "VerkoopPrijsExclBtw": 6.4})
    store.put_record("article", "KNIE", {"OmschrijvingKort": "Knie", "AantalDecimalen": 0})
    store.put_record("rate", "MONT", {"OmschrijvingKort": "Monteur", "AantalDecimalen": 2})


def choose(**columns: object) -> None:
    """Change settings of the open scope's tenant."""
    row = SyncSettings.objects.get()
    for name, value in columns.items():
        setattr(row, name, value)
    row.store(by=None)


def material(code: str = "BUIS", quantity: str = "1", **fields: Any) -> dict[str, Any]:
    return {
        "MaterialCode": code,
        "MaterialName": f"Naam {code}",
        "MaterialNr": quantity,
        "MaterialPrice": "1,00",
    } | fields


def period(total: str = "01:00", hour_type: str = "MONT", **fields: Any) -> dict[str, Any]:
    return {"Id": str(next(_ids)), "TotalTime": total, "HourType": hour_type, "WorkDate": "10-11-2025"} | fields


def work_order(outsmart: OutSmartSandbox, **fields: Any) -> str:
    """Put a completed work order at the trigger with one material and one hour; return its row id."""
    number = str(next(_ids))
    raw = {
        "id": number,
        "OrderNr": f"2025.{number}",
        "WorkorderNo": "",
        "CustomerDebtorNr": "10",
        "CustomerDebtorNrInvoice": "11",
        "CustomerName": "Klant 10",
        "WorkDate": "10-11-2025",
        "WorkDescription": "Ketel nagekeken",
        "status": "Compleet",
        "WorkStatus": "1",
        "Archived": "0",
        "MutationDate": "2025-11-10 16:00:00",
        "Materials": [material()],
        "Workperiods": [period()],
    }
    outsmart.store.load_work_orders([raw | fields])
    return number


def example(outsmart: OutSmartSandbox) -> None:
    """Load the sample answer with every documented field into OutSmart, as it is."""
    answer = json.loads((SAMPLES / "outsmart-getworkorders.json").read_text())
    outsmart.store.load_work_orders(copy.deepcopy(answer["response"]))


def work_order_in_outsmart(outsmart: OutSmartSandbox, outsmart_id: str) -> dict[str, Any]:
    """Return a work order as OutSmart has it now."""
    return next(row for row in outsmart.store.all_work_orders() if str(row["id"]) == outsmart_id)


def orders(king: KingSandbox, *, ours: bool = True) -> list[dict[str, Any]]:
    """Return King's orders; only those with our reference unless `ours` is False."""
    found: list[dict[str, Any]] = king.store.all_orders()
    return [each for each in found if not ours or str(each["ExternOrderNummer"]).startswith("OS-")]


def lines(order: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return (kind, article or text, quantity) of an order's lines, in King's sequence."""
    return [
        (row["RegelSoort"], row["ArtikelNummer"] or row["TekstOpFactuur"], _number(row.get("AantalBesteld")))
        for row in sorted(order["OrderRegels"], key=lambda row: row["RegelNummer"])
    ]


def _number(value: object) -> str:
    return "" if value is None else f"{float(str(value)):g}"


def ledger(outsmart_id: str) -> WorkOrder:
    return WorkOrder.objects.get(outsmart_id=outsmart_id)


def ledger_lines(row: WorkOrder) -> list[OrderLine]:
    return list(OrderLine.objects.filter(work_order=row).order_by("position", "id"))


def is_clean(king: KingSandbox) -> bool:
    """Return whether King has no duplicate order, no duplicate line and no lock."""
    found = king.store.duplicates()
    return not any(found.values())


def calls(king: KingSandbox) -> list[str]:
    """Return the operations that King was asked for, in order."""
    return [call.operation for call in king.calls.all()]


def in_seconds(seconds: float) -> datetime.datetime:
    return timezone.now() + datetime.timedelta(seconds=seconds)
