"""One random batch: a tenant, its King and its work orders; exported, edited, exported again, and compared."""

from __future__ import annotations

import dataclasses
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kingsync import tenant_file
from kingsync.models import tenants
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import scenario
from tests.oracle import edits, found, generator, rules
from tests.oracle.features import SILENT
from tests.oracle.texts import KING_ORDER_NUMBER
from tests.oracle.values import KINGS_WAREHOUSE, Expected, Line, Row, Settings, World

WRITTEN = "lines written although nobody changed them"
STAFF_LINES: list[dict[str, Any]] = [
    {"RegelSoort": "ART", "ArtikelNummer": "BUIS", "AantalBesteld": 3, "Prijs": 6.4, "Magazijn": 1},
    {"RegelSoort": "TEKST", "TekstOpFactuur": "Volgens afspraak"},
]


@dataclass
class Report:
    """What a batch compared, and what differs, by round and work order."""

    compared: Counter[str] = field(default_factory=Counter)
    differing: dict[str, list[str]] = field(default_factory=dict)

    def differs(self, place: str, what: str, want: object, got: object) -> None:
        told = f"  {what}\n    expected {want}\n    got      {got}"
        self.differing.setdefault(place, []).append(told)


class Batch:
    """A batch follows entirely from `seed` and `number`: the same ones make the same batch."""

    def __init__(self, seed: int, number: int, *, size: int, features_out: frozenset[str]) -> None:
        self.name = f"oracle-{seed}-{number}"
        self._chance = random.Random(f"{seed}:{number}")
        self._out = features_out | SILENT
        self.settings = generator.settings(self._chance, features_out=features_out)
        self.world = generator.king(self._chance, linked=size // 4)
        self._makes = generator.WorkOrders(self._chance, self.settings, self.world, first_id=1_000_001)
        self.report = Report()
        self._work_orders = dict(self._drawn(size))
        self._interim = {number for number, row in self._work_orders.items() if self._trigger(row) == "interim"}

    def _trigger(self, row: Row) -> str | None:
        return rules.trigger_of(row, self.settings)

    def _drawn(self, size: int) -> Iterator[tuple[str, Row]]:
        """Yield work orders that need nothing that is left out."""
        count = 0
        while count < size:
            row = self._makes.make()
            if not rules.expected(row, self.settings, self.world).features & self._out:
                count += 1
                yield str(row["id"]), row

    def run(self) -> Report:
        """Carry out the batch, in a database in which nothing else uses its tenant."""
        with KingSandbox(empty=True) as king, OutSmartSandbox(empty=True) as outsmart:
            tenant = tenant_file.apply(json.dumps(self._tenant_file(king, outsmart)).encode())
            _fill(king, self.world)
            for order in self.world.orders.values():
                _put_order(king, order.number, order.debtor, is_open=order.is_open, lines=self._staff_lines())
            outsmart.store.load_work_orders([dict(row) for row in self._work_orders.values()])
            with tenants.scope(tenant):
                self._both_rounds(king, outsmart)
        return self.report

    def _staff_lines(self) -> list[dict[str, Any]]:
        return [dict(row) for row in STAFF_LINES if self._chance.random() < 0.6]

    def _tenant_file(self, king: KingSandbox, outsmart: OutSmartSandbox) -> dict[str, Any]:
        exports = dataclasses.asdict(self.settings)
        if "other_customer" in self._out:
            del exports["order_of_other_customer"]
        credentials = {"token": outsmart.token, "software_token": outsmart.software_token}
        return {
            "slug": self.name,
            "name": self.name,
            "outsmart": {"base_url": outsmart.base_url, **credentials},
            "king": {
                "base_url": king.base_url,
                "administration": king.administration,
                "access_code": king.access_code,
            },
            "exports": exports,
        }

    # --- the two rounds ----------------------------------------------------------------------------------------------

    def _both_rounds(self, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
        before = _orders(king)
        expected = {number: rules.expected(row, self.settings, self.world) for number, row in self._work_orders.items()}
        self._export("first")
        self._compare("first", expected, king, outsmart, before)
        if self.report.differing:
            return  # what follows would only repeat this
        self.world = generator.repaired(self._chance, self.world)
        _fill(king, self.world)
        before = _orders(king)
        again = self._edit(outsmart, expected)
        self._export("again")
        self._compare("again", again, king, outsmart, before)

    def _export(self, name: str) -> None:
        run = scenario.export()
        counts = scenario.counts(run)
        if sum(counts.values()) != 2 * counts.get("read", 0) or run.status not in {"succeeded", "partly"}:
            self._differs(name, "", "the run", "counts that add up", f"{run.status} {counts} {run.error}")

    def _edit(self, outsmart: OutSmartSandbox, first: dict[str, Expected]) -> dict[str, Expected]:
        """Edit half of what is in King, put it back at the trigger; return what must become of everything."""
        office = edits.Office(self._chance, self.settings, self.world, self._makes)
        again = {}
        for number, row in self._work_orders.items():
            was = first[number]
            if was.state in rules.IN_KING and self._chance.random() < 0.5:
                changes = self._allowed_changes(office, row, was)
                outsmart.store.edit_work_order(number, changes)
                row.update(changes)
            again[number] = self._later(row, was, scenario.work_order_in_outsmart(outsmart, number))
        return again

    def _allowed_changes(self, office: edits.Office, row: Row, was: Expected) -> Row:
        """Return what the office changes: nothing that needs what is left out."""
        stays_interim = str(row["id"]) in self._interim
        back: Row = {"status": "Compleet", "WorkStatus": self.settings.work_order_status}
        if stays_interim and self._chance.random() < 0.5:
            back = {}
        for _ in range(20):
            changes = back | office.edited(row)
            if not self._seen_again(row | changes, was).features & self._out:
                return changes
        return back

    def _later(self, row: Row, was: Expected, now: Row) -> Expected:
        """Return what a second export makes of a work order as it is now."""
        if was.state is None or (was.state == "done" and now["status"] == "Afgehandeld"):
            return dataclasses.replace(was, is_sent=False)
        row["WorkStatus"], row["status"] = now["WorkStatus"], now["status"]
        return self._seen_again(row, was)

    def _seen_again(self, row: Row, was: Expected) -> Expected:
        # Away from both triggers (a rejection may have moved it there) a work order is what it was.
        is_interim = str(row["id"]) in self._interim and self._trigger(row) != "final"
        is_ours = was.is_sent and not was.king_order
        before = was.lines if was.is_sent else None
        now = rules.seen(row, self.settings, self.world, is_interim=is_interim, is_ours=is_ours, before=before)
        return rules.after(was, now)

    # --- comparing ---------------------------------------------------------------------------------------------------

    def _compare(
        self,
        name: str,
        expected: dict[str, Expected],
        king: KingSandbox,
        outsmart: OutSmartSandbox,
        before: dict[str, dict[str, Any]],
    ) -> None:
        everything, orders = found.everything(king, outsmart), _orders(king)
        for number, wanted in expected.items():
            if wanted.features & self._out:
                continue  # the repairs in King led to it
            self.report.compared[f"{name} {wanted.state}"] += 1
            for what, want, got in _differences(number, wanted, everything[number], orders, before):
                if what != WRITTEN or "line_identity" not in self._out:
                    self._differs(name, number, what, want, got)
        touched = {each.king_order for each in expected.values() if each.is_sent}
        for number, order in before.items():
            if not order["ExternOrderNummer"] and number not in touched and orders.get(number) != order:
                self._differs(name, "", f"order {number} of nobody", order, orders.get(number))
        untidy = {kind: rows for kind, rows in king.store.duplicates().items() if rows}
        if untidy:
            self._differs(name, "", "King is untidy", "", untidy)

    def told(self, *, is_detailed: bool = False) -> list[str]:
        """Return what differs, in plain text, one for each work order."""
        return [
            "\n".join([f"{self.name} {place}", *facts, *([self._details(place)] if is_detailed else [])])
            for place, facts in self.report.differing.items()
        ]

    def _differs(self, name: str, number: str, what: str, want: object, got: object) -> None:
        self.report.differs(f"{name} {number}".strip(), what, want, got)

    def _details(self, place: str) -> str:
        """Return the work order and the unusual settings, for finding the cause."""
        usual = dataclasses.asdict(Settings())
        settings = {name: value for name, value in dataclasses.asdict(self.settings).items() if value != usual[name]}
        return f"  {json.dumps(self._work_orders.get(place.rsplit(maxsplit=1)[-1]))}\n  {settings}"


Difference = tuple[str, object, object]


def _differences(
    number: str,
    wanted: Expected,
    got: found.Found,
    orders: dict[str, dict[str, Any]],
    before: dict[str, dict[str, Any]],
) -> Iterator[Difference]:
    facts = (
        ("state", wanted.state, got.state),
        ("work status", wanted.work_status, got.work_status),
        ("confirmed in OutSmart", wanted.is_confirmed, got.is_confirmed),
    )
    yield from ((what, want, have) for what, want, have in facts if want != have)
    if wanted.state is not None:
        yield from _of_reasons(wanted, got)
    mine = orders.get(wanted.king_order) if wanted.king_order else (got.orders[0] if got.orders else None)
    old = before.get(str(mine["OrderNummer"])) if mine else None
    if not wanted.is_sent:
        if mine != old or (got.orders and not old):
            yield "an order that was to stay as it was", old, mine
        return
    if mine is None or (not wanted.king_order and len(got.orders) != 1):
        yield "King's order", "one", [each["OrderNummer"] for each in got.orders]
        return
    yield from _of_order(wanted, mine, old)


def _of_order(wanted: Expected, order: dict[str, Any], old: dict[str, Any] | None) -> Iterator[Difference]:
    """Yield what differs in an order; rows that only changed places leave their lines where they are."""
    lines = tuple(_numbered(line, str(order["OrderNummer"])) for line in wanted.lines)
    have, before = found.lines(order, ours=True), found.lines(old, ours=True) if old else ()
    is_as_moved = bool(old) and wanted.is_moved and Counter(lines) == Counter(have)
    if lines != have and not is_as_moved and not _is_with_kept(lines, have, before, wanted.kept):
        yield f"lines, {wanted.kept} kept", _told(lines), _told(have)
    elif old and have == before and not wanted.is_other and old["OrderRegels"] != order["OrderRegels"]:
        yield WRITTEN, _ids(old), _ids(order)
    staff = found.lines(old, ours=False) if old else ()
    if staff != found.lines(order, ours=False):
        yield "staff's lines", _told(staff), _told(found.lines(order, ours=False))
    if wanted.header and not old:
        head, want = found.header(order), wanted.header
        want = dataclasses.replace(
            want, order_date=want.order_date or head.order_date, delivery_date=want.delivery_date or head.delivery_date
        )
        if want != head:
            yield "header", want, head
    if old and _head(old) != _head(order):
        yield "header", _head(old), _head(order)
    approved = bool(order["Goedgekeurd"]), bool(order["VrijVoorLevering"])
    was_approved = bool(old and old["Goedgekeurd"])
    if not was_approved and approved != (wanted.is_approved, wanted.is_approved):
        yield "approved, released", wanted.is_approved, approved


def _is_with_kept(
    lines: tuple[Line, ...], have: tuple[Line, ...], before: tuple[Line, ...], kept: tuple[int, int]
) -> bool:
    """Return whether King has all lines and, of the earlier ones, those whose rows are now refused."""
    more = Counter(have) - Counter(lines)
    is_whole = not Counter(lines) - Counter(have) and not more - Counter(before)
    least, most = kept
    return bool(more) and is_whole and least <= more.total() <= most


def _of_reasons(wanted: Expected, got: found.Found) -> Iterator[Difference]:
    if wanted.reasons != got.reasons:
        yield "reasons", sorted(wanted.reasons), sorted(got.reasons)
    for kind in ("material", "hours", "travel", "text"):
        want = [why for each, why in wanted.refused if each == kind]
        have = got.refused.get(kind, [])
        if len(want) != len(have) or not _fit(want, have):
            yield f"refused {kind}", [sorted(why) for why in want], [sorted(why) for why in have]


def _fit(want: list[frozenset[str]], have: list[frozenset[str]]) -> bool:
    """Return whether every refused line has a reason that applies to it; lines of one kind in any sequence."""
    if not want:
        return True
    first, rest = want[0], want[1:]
    fitting = [place for place, why in enumerate(have) if first & why or found.KINGS_OWN in why]
    return any(_fit(rest, have[:place] + have[place + 1 :]) for place in fitting)


def _ids(order: dict[str, Any]) -> list[int]:
    return [row["RegelID"] for row in order["OrderRegels"]]


def _head(order: dict[str, Any]) -> dict[str, Any]:
    moves = {"OrderRegels", "MutatieDatum", "Goedgekeurd", "VrijVoorLevering", "LockEigenaar", "LockSinds"}
    return {name: value for name, value in order.items() if name not in moves}


def _numbered(line: Line, number: str) -> Line:
    return dataclasses.replace(line, text=line.text.replace(KING_ORDER_NUMBER, number))


def _told(lines: tuple[Line, ...]) -> str:
    return "".join(
        f"\n    {each.kind} {each.article} {each.text[:60]!r} {each.quantity} à {each.price} @{each.warehouse}"
        for each in lines
    )


def _orders(king: KingSandbox) -> dict[str, dict[str, Any]]:
    return {str(order["OrderNummer"]): order for order in king.store.all_orders()}


# --- King's side ------------------------------------------------------------------------------------------------------


def _fill(king: KingSandbox, world: World) -> None:
    """Make King's master data match the world."""
    put = king.store.put_record
    for debtor in world.debtors.values():
        put("debtor", debtor.number, {"Naam1": debtor.name, "BlokkeerOrderInvoer": int(debtor.is_blocked)})
    for kind, items, price in (
        ("article", world.articles, "VerkoopPrijsExclBtw"),
        ("rate", world.rates, "PrijsExclBtw"),
    ):
        for item in items.values():
            fields = {
                "OmschrijvingKort": f"Naam {item.number}"[:40],
                price: item.price,
                "AantalDecimalen": item.decimals,
                "GeblokkeerdVoorVerkoop": int(item.is_blocked),
            }
            put(kind, item.number, fields | ({"EanCode": item.ean} if kind == "article" else {}))
    for number in world.warehouses:
        put(
            "warehouse",
            str(number),
            {"Omschrijving": f"Magazijn {number}", "IsDefault": int(number == KINGS_WAREHOUSE)},
        )


def _put_order(king: KingSandbox, number: str, debtor: str, *, is_open: bool, lines: list[dict[str, Any]]) -> None:
    header = {"DebiteurNummer": debtor, "Gesloten": int(not is_open), "OrderDatum": "2025-10-01"}
    header["Magazijn"] = KINGS_WAREHOUSE
    king.store.put_record("order", number, header | {"OrderRegels": lines})
