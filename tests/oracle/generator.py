"""Random settings, Kings and work orders: the ordinary and the nasty, the same for the same seed."""

from __future__ import annotations

import dataclasses
import random
from decimal import Decimal

from tests.oracle.values import Debtor, Item, KingOrder, Row, Settings, World

BLOCKED_DEBTORS = ("13", "14")
DEBTORS = ("11", "12", *BLOCKED_DEBTORS, "15", "4000000000")
ITEMS = (
    # number, price, decimals, blocked, EAN
    ("BUIS", "6.4", 2, False, "8711111111114"),
    ("KNIE", "1.125", 0, False, "8722222222227"),
    ("LIJM-2,5", "12.95", 1, False, ""),
    ("KABEL.3X1.5", "0.875", 3, False, "87333333"),
    ("GRATIS", "0", 2, False, ""),
    ("8744444444449", "99", 2, False, ""),  # looks like an EAN code, and is another article's
    ("KRAAN", "45", 0, False, "8744444444449"),
    ("OUD", "3", 2, True, "8755555555555"),
    ("LATER", "7.5", 2, True, ""),
    ("MONT", "5", 0, False, ""),  # a rate has this number too
    ("12345678901234567890", "1", 3, False, ""),
    ("é&<VRIJ>", "8.95", 2, False, ""),
    ("KM", "0.45", 1, False, ""),
)
RATES = (
    ("MONT", "58", 2, False),
    ("MONT3", "61.5", 3, False),
    ("MONT1", "60", 1, False),
    ("UUR", "75", 0, False),
    ("1", "50", 2, False),
    ("STIL", "40", 2, True),
)
WAREHOUSES = frozenset({0, 1, 2, 12, 107})
CODES = ("BUIS", "KNIE", "LIJM-2,5", "KABEL.3X1.5", "GRATIS", "KRAAN", "MONT", "12345678901234567890", "é&<VRIJ>")
ODD_CODES = (
    "OUD",
    "LATER",
    "BESTAATNIET",
    "",
    None,
    "8744444444449",
    "8755555555555",
    "0000000000000",
    "X" * 30,
    "buis",
)
EAN_CODES = ("8711111111114", "8722222222227", "87333333")
TEMPLATES = (
    "",
    "",
    "Werkbon {order_number}",
    "{king_order_number}: {work_date} t/m {work_end_date}",
    "{{{order_number}}} {{total_hours}}",
    "{comment}",
    "Uren {total_hours}",
    "{travel_distance}",
    "Reis {travel_distance} km, {total_hours}",
    "{customer_name}, {customer_street} {customer_house_number}, {customer_postal_code} {customer_city}",
    "{external_reference}{reference}",
    "{free_field_1}/{free_field_50}",
    "{short_work_description} {error_message} {solution_message}",
    "{project_number} {external_project_number} {type_of_work} {payment_method}",
    "{employee_number} {signed_by} {contact_person} {invoice_customer_name} {invoice_debtor_number}",
    "{work_description}",
    "Tekst zonder iets",
)
TEXTS = (
    "Ketel nagekeken",
    "Regel een\r\nRegel twee\r\n\r\nRegel vier",
    "regel\nregel",
    "{order_number} {niet_bestaand} {{dubbel}} {",
    "Niet\u0000 zicht\u0007baar\u001b[31m\u007f",
    "Ünïcødé € ½ 🔧 \u200bnul breed",
    "  met spaties aan beide kanten  ",
    'aanhaling " en \\ en / en <b>html</b> &amp;',
    "%s %(name)s %d 100%",
    "\r\nbegint en eindigt met een regeleinde\r\n",
)


def settings(chance: random.Random, *, features_out: frozenset[str]) -> Settings:
    """Return the settings of a tenant."""
    interim = chance.random() < 0.4
    lines = tuple(chance.choice(TEMPLATES) for _ in range(4))
    made = Settings(
        work_order_status=chance.choice(["1", "1", "001", "Naar King"]),
        default_warehouse=chance.choice(["1", "1", "2", "001", "12", "", "99"]),
        hour_rounding=chance.choice([0, 5, 15, 30]),
        work_description=chance.random() < 0.7,
        create_new_order=chance.random() < 0.9,
        approve_order=chance.random() < 0.5,
        order_line_sequence=chance.choice(
            ["materials_hours_text", "hours_materials_text", "text_materials_hours", "text_hours_materials"]
        ),
        assign_relation=chance.choice(["customer", "invoice"]),
        extra_text_lines=lines if chance.random() < 0.7 else Settings.extra_text_lines,
        interim_updates=interim,
        order_update_status="5" if interim else "",
        create_interim_order=chance.random() < 0.8,
        incomplete_orders="hold" if chance.random() < 0.3 else "send_rest",
        free_line_article=chance.choice(["", "", "é&<VRIJ>", "BUIS", "KNIE", "OUD", "BESTAATNIET"]),
        send_prices=chance.random() < 0.4,
        success_status=chance.choice(["", "10"]),
        failure_status=chance.choice(["", "99"]),
        from_date=chance.choice([None, None, None, "2025-11-01"]),
        order_of_other_customer=chance.choice(["hold", "hold", "send"]),
        review=_reviews(chance),
        travel_article=chance.choice(["", "", "KM", "KM", "KNIE", "GRATIS", "OUD", "BESTAATNIET"]),
    )
    return dataclasses.replace(made, order_of_other_customer="hold") if "other_customer" in features_out else made


def _reviews(chance: random.Random) -> tuple[str, ...]:
    """Return what is reviewed: often nothing, seldom the first orders, which are all there are in a first run."""
    if chance.random() < 0.6:
        return ()
    found = [name for name in ("credit", "warranty", "zero_price", "free_line") if chance.random() < 0.4]
    return tuple(found + ["first_order_of_customer"] * (chance.random() < 0.1))


def king(chance: random.Random, linked: int) -> World:
    """Return a King with an order for each of `linked` work orders; about one in seven is closed."""
    orders = [
        KingOrder(str(20250101 + number), chance.choice(DEBTORS), is_open=chance.random() > 0.15)
        for number in range(linked)
    ]
    return World(
        debtors={number: Debtor(number, f"Klant {number}", number in BLOCKED_DEBTORS) for number in DEBTORS},
        articles={
            number: Item(number, Decimal(price), decimals, blocked, ean)
            for number, price, decimals, blocked, ean in ITEMS
        },
        rates={number: Item(number, Decimal(price), decimals, blocked) for number, price, decimals, blocked in RATES},
        warehouses=WAREHOUSES,
        orders={order.number: order for order in orders},
    )


def repaired(chance: random.Random, before: World) -> World:
    """Return King after its staff lifted some blocks and added what was missing."""
    articles, rates = dict(before.articles), dict(before.rates)
    if chance.random() < 0.5:
        articles["LATER"] = dataclasses.replace(articles["LATER"], is_blocked=False)
    if chance.random() < 0.5:
        rates["STIL"] = dataclasses.replace(rates["STIL"], is_blocked=False)
    if chance.random() < 0.5:
        articles["BESTAATNIET"] = Item("BESTAATNIET", Decimal("2.5"), 2)
    debtors = dict(before.debtors)
    if chance.random() < 0.5:
        debtors["14"] = dataclasses.replace(debtors["14"], is_blocked=False)
    warehouses = before.warehouses | ({99} if chance.random() < 0.5 else set())
    return dataclasses.replace(before, articles=articles, rates=rates, debtors=debtors, warehouses=warehouses)


class WorkOrders:
    """Makes work orders for one tenant and its King."""

    def __init__(self, chance: random.Random, tenant: Settings, world: World, *, first_id: int) -> None:
        self._chance, self._settings, self._world = chance, tenant, world
        self._next_id = first_id
        self._free_orders = list(world.orders)
        self._day = "10-11-2025"

    def make(self) -> Row:
        chance, number = self._chance, str(self._next_id)
        self._next_id += 1
        self._day = chance.choice(["10-11-2025", "31-10-2025", "01-11-2025"])
        work_order: Row = {
            "id": number,
            "OrderNr": f"2025.{number}",
            "WorkorderNo": "",
            "CustomerDebtorNr": self._debtor(),
            "CustomerDebtorNrInvoice": self._debtor() if chance.random() < 0.6 else chance.choice(["", None]),
            "WorkDate": chance.choice([self._day, self._day, "", "31-11-2025", "29-02-2024"]),
            "WorkEndDate": chance.choice(["", "", self._day, "12-11-2025", None]),
            "WorkDescription": self._text(),
            "MutationDate": "2025-11-10 16:00:00",
            **self._status(),
            **self._extras(),
            "Materials": [self.material() for _ in range(self._count())],
            "Workperiods": [self.period() for _ in range(self._count())],
        }
        if chance.random() < 0.25:
            self._link(work_order)
        if chance.random() < 0.02:
            self._spoil(work_order)
        return self._thinned(work_order)

    # --- the header --------------------------------------------------------------------------------------------------

    def _debtor(self) -> str:
        chance = self._chance
        return (
            chance.choice(("99", "", "ABC", "9" * 25, *BLOCKED_DEBTORS))
            if chance.random() < 0.12
            else chance.choice(("11", "12", "15", "4000000000"))
        )

    def _status(self) -> Row:
        chance = self._chance
        found: Row = {"status": "Compleet", "WorkStatus": self._settings.work_order_status, "Archived": "0"}
        if self._settings.interim_updates and chance.random() < 0.3:
            found |= {"status": chance.choice(["Compleet", "Opgehaald", "Klaargezet", "Onbekend"]), "WorkStatus": "5"}
        elif chance.random() < 0.06:
            found |= chance.choice(
                [
                    {"Archived": "1"},
                    {"WorkStatus": "01"},
                    {"WorkStatus": "5"},
                    {"WorkStatus": ""},
                    {"status": "Opgehaald"},
                ]
            )
        return found

    def _extras(self) -> Row:
        """Return some of the fields that tags name."""
        chance = self._chance
        names = (
            "Reference",
            "ExternalReference",
            "CustomerName",
            "CustomerStreet",
            "CustomerStreetNo",
            "CustomerZIP",
            "CustomerCity",
            "CustomerContactPerson",
            "CustomerNameInvoice",
            "ProjectNr",
            "ExternProjectNr",
            "TypeOfWork",
            "ShortWorkDescription",
            "Comment",
            "PaymentMethod",
            "EmployeeNr",
            "SignatureContactperson",
            "ErrorMessage",
            "SolutionMessage",
        )
        found: Row = {name: self._short() for name in names if chance.random() < 0.6}
        if chance.random() < 0.5:
            found["FreeFields"] = {"val_value_1": self._short(), "val_value_50": self._short()}
        return found

    def _short(self) -> str:
        words = ("Jansen & Zn.", "12a", "1234 AB", "PO-4711", "", "{comment}", "x" * 45, "Ede", "é€", "a\u0001b")
        return self._chance.choice(words)

    def _text(self) -> str | None:
        chance = self._chance
        if chance.random() < 0.02:
            return "lang " * 6400 + chance.choice(["", "!"])  # King accepts 32 000 characters
        return None if chance.random() < 0.1 else chance.choice(("", *TEXTS))

    def _link(self, work_order: Row) -> None:
        """Link to an order of the customer's own, of another customer, or to none."""
        chance = self._chance
        if chance.random() < 0.15 or not self._free_orders:
            work_order["WorkorderNo"] = chance.choice(["404", "A-17", "99999999999999999999"])
            return
        order = self._world.orders[self._free_orders.pop()]
        work_order["WorkorderNo"] = order.number
        if chance.random() < 0.85:
            name = "CustomerDebtorNr" if chance.random() < 0.5 else "CustomerDebtorNrInvoice"
            work_order[name] = order.debtor

    def _spoil(self, work_order: Row) -> None:
        """Give a work order an impossible shape."""
        name, value = self._chance.choice(
            [
                ("Materials", "tekst"),
                ("Materials", ["tekst"]),
                ("Workperiods", [None]),
                ("Workperiods", 7),
                ("Materials", [{"MaterialCode": "BUIS", "MaterialNr": ["1"]}]),
                ("Comment", "half \ud83d teken"),
                ("OrderNr", {"a": "b"}),
            ]
        )
        work_order[name] = value

    def _thinned(self, row: Row) -> Row:
        """Leave out some of what is empty: absent, null and "" are alike."""
        return {
            name: value for name, value in row.items() if value not in ("", None, []) or self._chance.random() < 0.7
        }

    def _count(self) -> int:
        return self._chance.choice((0, 1, 1, 1, 2, 2, 3, 5))

    # --- rows --------------------------------------------------------------------------------------------------------

    def material(self, *, is_good: bool = False) -> Row:
        chance = self._chance
        is_odd = not is_good and chance.random() < 0.2
        code = chance.choice(ODD_CODES if is_odd else EAN_CODES if chance.random() < 0.1 else CODES)
        row: Row = {
            "MaterialCode": code,
            "MaterialName": chance.choice(("Koperbuis", "Klein\r\nmateriaal", "{comment}", "naam\u0002", "")),
            "MaterialNr": self.quantity(code, is_good=is_good),
            "MaterialPrice": self._price(is_good=is_good),
            "MaterialWarehouseCode": self._warehouse(is_good=is_good),
            "MaterialWarrantyCode": chance.choice(("", "", "", None, "GAR12")),
        }
        return self._thinned(row)

    def quantity(self, code: str | None, *, is_good: bool) -> object:
        chance = self._chance
        draw = chance.random()
        if is_good or draw < 0.7:
            return chance.choice(("1", "2", "3", "-1", "10", "100", "1,0", "2.00", 4, "007", "-12"))
        if draw < 0.85:
            return chance.choice(("1,5", "0.25", "2,125", "-0,5", "1.234", "0,1", 1.5, "3.10", "2,50"))
        if draw < 0.93:
            return chance.choice(("0", "0,00", "-0", "0.0000", 0))
        return chance.choice(
            ("", None, "abc", "1.234,50", "1,2,3", "--1", "1e3", "NaN", "Infinity", "2 st", "1,2345", "½", "٣",
             "8711111111114", "99999999999999999", "1.000.000")
        )  # fmt: skip

    def _price(self, *, is_good: bool) -> object:
        chance = self._chance
        if is_good or chance.random() < 0.85:
            return chance.choice(("25,00", "1.5", "0,00", "12,345", "1234.50", 7, "0.001"))
        return chance.choice(("", None, "-1,00", "1,2345", "gratis", "1.234,50", "0,0000", "1.50000", "99999999999"))

    def _warehouse(self, *, is_good: bool) -> object:
        chance = self._chance
        if is_good or chance.random() < 0.9:
            return chance.choice(("", "", "1", "2", "001", "12", "0", 107) if not is_good else ("1", "2", "12"))
        return chance.choice(("99", "MAG01", "3", "1000", "-1", "9" * 12, "een magazijn dat niet bestaat"))

    def period(self, *, is_good: bool = False) -> Row:
        chance = self._chance
        self._next_id += 1
        row: Row = {
            "Id": str(900_000 + self._next_id),
            "WorkDate": self._day,
            "HourType": chance.choice(("MONT", "MONT3", "1"))
            if is_good or chance.random() < 0.7
            else chance.choice(("MONT1", "UUR", "STIL", "GEEN", "", None, "mont", "lang uurtype dat niet bestaat")),
            "EmployeeNr": "105",
            "Travel": self.travel(is_good=is_good),
        }
        if is_good or chance.random() < 0.5:
            return row | {"TotalTime": self.time(is_good=is_good)}
        return self._thinned(row | self._from_till())

    def travel(self, *, is_good: bool) -> object:
        chance = self._chance
        if is_good or chance.random() < 0.9:
            return chance.choice(("", "", "0", "12", "38", "7,0"))
        return chance.choice(("12,5", "1.25", "ver", "-5", "0,0", None, 7, "99999999999", "12 km", "1,2,3"))

    def time(self, *, is_good: bool) -> object:
        chance = self._chance
        if is_good or chance.random() < 0.8:
            return f"{chance.choice((0, 1, 2, 8, 26)):02}:{chance.choice((1, 7, 15, 20, 30, 45, 59)):02}"
        return chance.choice(("00:00", "0:00", "1:30", "1,5", "abc", "-01:00", "01:75", "90", "00:01", "125:00"))

    def _from_till(self) -> Row:
        chance = self._chance
        clock = ("08:00", "09:15", "17:00", "23:30", "00:25", "12:07", "8:05")
        found: Row = {
            "BeginTime": chance.choice(clock),
            "EndTime": chance.choice(clock),
            "Break": chance.choice(("", "0", "15", "30", "45", None, 20)),
        }
        if chance.random() < 0.15:
            found |= chance.choice(
                [{"BeginTime": ""}, {"EndTime": None}, {"Break": "kort"}, {"Break": "1441"}, {"BeginTime": "25:00"}]
            )
        return found | {"TotalTime": chance.choice(("", None))}
