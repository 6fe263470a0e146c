"""A company with twelve customers, both its systems, and a clock that moves."""

from __future__ import annotations

import collections
import datetime
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integrations.transport import Transport
from kingsync import tasks, worker
from kingsync.models import tenants
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.users import User
from kingsync.models.work_orders import WorkOrder
from kingsync.rules.licence import Licence
from kingsync.runs.retry import with_retry
from sandboxes import clock
from sandboxes.king.sandbox import KingSandbox
from sandboxes.king.store import Edit, KingStore
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import scenario
from tests.browser import sessions
from tests.browser.journeys import Person

Quantities: TypeAlias = collections.Counter[str]

CUSTOMERS = [str(number) for number in range(101, 113)]
PRICES = {"BUIS": Decimal("6.40"), "KNIE": Decimal("2.15"), "KETEL": Decimal("1450.00"), "MONT": Decimal("62.50")}
PRICES |= {"POMP": Decimal("389.00"), "KM": Decimal("0.45")}
STEP_MINUTES = 15


def stock(store: KingStore) -> None:
    """Give an administration its customers, articles and rate."""
    for number in CUSTOMERS:
        address = {"Straat": "Kade", "HuisNummer": number, "PostCode": "6711 AA", "Woonplaats": "Ede"}
        store.put_record("debtor", number, {"Naam1": f"Klant {number}", **address})
    store.put_record("warehouse", "1", {"Omschrijving": "Hoofdmagazijn", "IsDefault": 1})
    for code in ("BUIS", "KNIE", "KETEL", "KM"):
        fields = {"OmschrijvingKort": code.title(), "AantalDecimalen": 2, "VerkoopPrijsExclBtw": float(PRICES[code])}
        store.put_record("article", code, fields)
    rate = {"OmschrijvingKort": "Monteur", "AantalDecimalen": 2, "PrijsExclBtw": float(PRICES["MONT"])}
    store.put_record("rate", "MONT", rate)


class MovingClock:
    """The time of everything in this process: of the product and of both sandboxes. It ticks on after each move.

    Who waits before another attempt does not sleep: the clock moves instead.
    """

    def __init__(self, patch: pytest.MonkeyPatch, start: datetime.datetime) -> None:
        self._real = timezone.now
        self._ahead = start - self._real()
        patch.setattr(timezone, "now", self.now)
        for waits in (Transport.__init__, with_retry):
            patch.setitem(waits.__kwdefaults__ or {}, "sleep", self._sleep)
        patch.setattr(clock, "now", lambda: self.now().astimezone(clock.AMSTERDAM).replace(microsecond=0))

    def now(self) -> datetime.datetime:
        return self._real() + self._ahead

    def _sleep(self, seconds: float) -> None:
        self._ahead += datetime.timedelta(seconds=seconds)

    def move_to(self, day: str, time: str) -> None:
        """Move to a day ("12-03", month and day) and time; only forward."""
        month, number = (int(part) for part in day.split("-"))
        hour, minute = (int(part) for part in time.split(":"))
        now = clock.now()
        wanted = now.replace(month=month, day=number, hour=hour, minute=minute, second=0)
        if month < now.month:
            wanted = wanted.replace(year=now.year + 1)
        assert wanted >= now, f"{day} {time} is over"
        self._ahead += wanted - now


@dataclass
class Month:
    """What the people of the story touch: both systems, the clock and one browser window."""

    tenant: Tenant
    king: KingSandbox
    outsmart: OutSmartSandbox
    clock: MovingClock
    person: Person
    user: User
    pictures: Path | None
    store: KingStore
    next_year: KingStore
    by_staff: dict[str, Quantities] = field(default_factory=dict)

    # --- The field ----------------------------------------------------------------------------------------------------

    def visit(self, customer: str, *materials: dict[str, Any], hours: str = "01:00", **fields: Any) -> str:
        """Let an engineer complete a work order today; return its row id."""
        today = clock.now()
        date = {"WorkDate": f"{today:%d-%m-%Y}", "MutationDate": f"{today:%Y-%m-%d %H:%M:%S}"}
        whose = {"CustomerDebtorNr": customer, "CustomerDebtorNrInvoice": customer, "CustomerName": f"Klant {customer}"}
        rows = {"Materials": list(materials or [scenario.material()]), "Workperiods": [self.period(hours)]}
        number = scenario.work_order(self.outsmart, **{**whose, **date, **rows, **fields})
        self.outsmart.store.edit_work_order(number, {"OrderNr": f"WB-{number}"})
        return number

    @staticmethod
    def period(hours: str, travel: str = "") -> dict[str, Any]:
        return scenario.period(hours, WorkDate=f"{clock.now():%d-%m-%Y}", **({"Travel": travel} if travel else {}))

    def correct(self, number: str, **fields: Any) -> None:
        """Let the office correct a completed work order."""
        self.outsmart.store.edit_work_order(number, {"status": "Compleet", "WorkStatus": "1", **fields})

    # --- King's office ------------------------------------------------------------------------------------------------

    def staff(self, number: str, **edit: Any) -> None:
        """Let King's staff edit the order of a work order."""
        self.store.edit_order(int(self.row(number).king_order_number or 0), Edit(**edit))

    def king_line(self, number: str, code: str) -> int:
        rows = next(
            each for each in orders_of(self.store) if str(each["OrderNummer"]) == self.row(number).king_order_number
        )
        ours = [row for row in rows["OrderRegels"] if str(row["ExternOrderRegelNummer"]).startswith(f"{number}-")]
        return next(int(row["RegelID"]) for row in ours if row["ArtikelNummer"] == code)

    # --- kingsync -----------------------------------------------------------------------------------------------------

    @contextmanager
    def scope(self) -> Iterator[None]:
        with tenants.scope(self.tenant.pk):
            yield

    def row(self, number: str) -> WorkOrder:
        """Return the newest ledger row of a work order."""
        with self.scope():
            return WorkOrder.across_administrations.filter(outsmart_id=number).order_by("-pk")[0]

    def state(self, number: str) -> str:
        return str(self.row(number).state)

    def codes(self, number: str) -> list[str]:
        return [why["code"] for why in self.row(number).reasons]

    def comes(self, day: str, time: str = "09:00") -> None:
        """Let time pass until then; who works at the screen logs in again, as on every morning."""
        self.clock.move_to(day, time)
        sessions.log_in(self.person.page.context, self.user, self.person.site)

    def by_itself(self) -> list[SyncRun]:
        """Do what the clock and the workers would do now; return the runs that they did."""
        before = self._newest()
        tasks.start_due_runs()
        self.work()
        tasks.verify_exported()
        tasks.send_notifications()
        return list(SyncRun.across_tenants.filter(pk__gt=before).order_by("pk"))

    def work(self) -> None:
        """Carry out the runs that wait, as a worker would."""
        for run in SyncRun.across_tenants.filter(status__in=SyncRun.OPEN).order_by("pk"):
            with self.scope():
                worker.work_slice(run.pk, slice_seconds=scenario.FOREVER)

    def _newest(self) -> int:
        return max(SyncRun.across_tenants.values_list("pk", flat=True), default=0)

    def takes_licence(self, licence: Licence) -> None:
        """Let the operator change the licence."""
        tenant = Tenant.objects.get(pk=self.tenant.pk)
        tenant.take_licence(licence)
        tenant.save()

    # --- The office at its screen -------------------------------------------------------------------------------------

    def imports(self) -> SyncRun:
        return self._presses("import", self.person.reads("Import", "button"))

    def exports(self) -> SyncRun:
        return self._presses("export", self.person.reads("Export workorders"))

    def _presses(self, kind: str, name: str) -> SyncRun:
        """Press a button of the start page and wait for the end of that run."""
        self.person.opens(self.tenant)
        with self.person.page.expect_response(f"**/start/{kind}/"):
            self.person.page.get_by_role("button", name=name, exact=True).click()
        self.work()
        ended = self.person.live(kind).locator(f"a[href$='/runs/{self._newest()}/']")
        expect(ended).to_be_visible()
        return SyncRun.across_tenants.get(pk=self._newest())

    def opens(self, number: str) -> Person:
        """Open the page of a work order."""
        self.person.opens(self.tenant, f"work-orders/{self.row(number).pk}/")
        return self.person

    def tries(self, button: str) -> None:
        """Press a button that starts a run about one work order, and wait for its end."""
        self.person.button(button).click()
        shown = self.person.page.locator(".trial, #run")
        expect(shown).to_be_visible()
        self.work()
        expect(shown.and_(self.person.page.locator("[data-state=succeeded], [data-state=partly]"))).to_be_visible()

    def picture(self, name: str) -> None:
        """Keep a picture of the page, where people want to read the story."""
        if self.pictures:
            self.person.page.screenshot(path=self.pictures / f"{name}.png", full_page=True)

    # --- The sums -----------------------------------------------------------------------------------------------------

    def of_outsmart(self, number: str) -> Quantities:
        """Return the quantities per article and rate that a work order has now."""
        raw = scenario.work_order_in_outsmart(self.outsmart, number)
        total: Quantities = collections.Counter()
        for row in raw["Materials"]:
            total[row["MaterialCode"]] += _decimal(row["MaterialNr"])
        for row in raw["Workperiods"]:
            hours, minutes = (int(part) for part in row["TotalTime"].split(":"))
            total["MONT"] += _decimal(hours + Decimal(math.ceil(minutes / STEP_MINUTES) * STEP_MINUTES) / 60)
            total["KM"] += _decimal(row.get("Travel") or 0)
        return filled(total)

    def of_king(self, number: str, *stores: KingStore) -> Quantities:
        """Return the quantities that are in King of a work order, in all its orders of all administrations."""
        total: Quantities = collections.Counter()
        for store in stores or (self.store, self.next_year):
            for order in orders_of(store):
                for row in order["OrderRegels"]:
                    is_ours = str(row["ExternOrderRegelNummer"]).startswith(f"{number}-")
                    if is_ours and row["RegelSoort"] != "TEKST":
                        total[row["ArtikelNummer"]] += _decimal(row["AantalBesteld"])
        return filled(total)


def orders_of(store: KingStore) -> list[dict[str, Any]]:
    found: list[Any] = [*store.all_orders()]
    return found


def amount(quantities: Quantities) -> Decimal:
    """Return what quantities come to by the price list."""
    return sum((PRICES[code] * Decimal(quantity) for code, quantity in quantities.items()), Decimal(0))


def _decimal(value: object) -> Any:
    return Decimal(str(value).replace(",", ".")).normalize()


def euros(value: Decimal) -> str:
    """Return an amount as Dutch pages show it."""
    return f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def filled(total: Quantities) -> Quantities:
    return collections.Counter({code: quantity for code, quantity in total.items() if quantity})
