"""What every demo work order has: a customer of the demo company, a day, rows with its own articles."""

from __future__ import annotations

import datetime
import hashlib
import random
from decimal import Decimal

from msgspec import UNSET

from sandboxes.king.company import Company, company
from sandboxes.king.records import Article, Debtor, Order
from sandboxes.messages import Record
from sandboxes.outsmart.fields import blank_work_order, material_row, period_row
from sandboxes.outsmart.notation import euros, to_decimal
from sandboxes.vocabulary import CATALOGUE, EMPLOYEES, JOBS

FIRST_ID = 2_500_001
_FIRST_DAY = datetime.date(2025, 11, 3)


class Maker:
    """Makes the parts of work orders, and whole ones; the same for the same seed and order of calls."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"{seed}:work orders")
        self._company: Company = company(seed=seed, records=len(CATALOGUE))
        self._free = [debtor for debtor in self._company.debtors if not debtor.is_blocked]
        self._sold = [article for article in self._company.articles if not article.is_blocked]
        self._prices = {article.number: article for article in self._company.articles}
        self._next_period = 800_001

    def make(self, index: int, special: Record) -> Record:
        """Return work order number `index` (from 0) with its special fields; `_debtor` names its debtor."""
        usual = self._free[(index * 7 + 11) % len(self._free)]
        debtor = special.pop("_debtor", usual)
        return {**self._frame(index, debtor if isinstance(debtor, Debtor) else usual), **special}

    # --- parts --------------------------------------------------------------------------------------------

    def material(self, code: str, quantity: str, *, warehouse: str = "", point: bool = False, **other: str) -> Record:
        """Return a material row with the article's own name, unit and price."""
        article = self._prices.get(code) or Article(number=code, short_description="Niet in King")
        price, total = article.price, article.price * to_decimal(quantity)
        texts: Record = {
            "MaterialCode": code,
            "MaterialName": article.short_description,
            "MaterialNr": quantity,
            "MaterialUnit": article.unit,
            "MaterialPrice": _euros(price, point=point),
            "MaterialTotalPrice": _euros(total, point=point),
            "MaterialWarehouseCode": warehouse,
            "MaterialDiscountPercentage": "0",
            "MaterialOriginalPrice": _euros(price, point=point),
        }
        return material_row({**texts, **other})

    def any_material(self, index: int) -> Record:
        """Return a material row of a random article, whole numbers only."""
        article = self._chance.choice(self._sold)
        return self.material(article.number, str(self._chance.randrange(1, 6)), warehouse=str(index % 5 or ""))

    def period(self, index: int, begin: str, end: str, total: str, rate: str, *, pause: str = "0") -> Record:
        """Return a work period on the day of the work order."""
        self._next_period += 1
        return period_row(
            {
                "Id": str(self._next_period - 1),
                "BeginTime": begin,
                "EndTime": end,
                "TotalTime": total,
                "Break": pause,
                "WorkDate": _day(index).strftime("%d-%m-%Y"),
                "WorkRemark": "",
                "Travel": "12" if rate == "REIS" else "0",
                "HourType": rate,
                "EmployeeNr": EMPLOYEES[index % len(EMPLOYEES)][0],
            }
        )

    def linked(self, position: int) -> Record:
        """Return what links a work order to the King order at a position: its number and its debtor."""
        order: Order = self._company.orders[position % len(self._company.orders)]
        debtor = next(one for one in self._company.debtors if one.number == order.debtor)
        return {"WorkorderNo": str(order.number), "ExternProjectNr": str(order.number), "_debtor": debtor}

    def debtor(self, *, is_blocked: bool = False, has_payer: bool = False) -> Record:
        """Return the first debtor of a certain kind under `_debtor`; {} when there is none."""
        for one in self._company.debtors:
            if bool(one.is_blocked) == is_blocked and (one.invoice_number is not UNSET) == has_payer:
                return {"_debtor": one}
        return {}

    # --- the frame ---------------------------------------------------------------------------------------------------

    def _frame(self, index: int, debtor: Debtor) -> Record:
        day = _day(index)
        key = FIRST_ID + index
        kind, short, done = JOBS[index % len(JOBS)]
        frame: Record = {
            **blank_work_order(),
            "id": str(key),
            "OrderNr": f"{day:%Y}.{501 + index:05d}",
            "JobNr": f"{day:%Y}.{501 + index:05d}",
            "WorkDate": f"{day:%d-%m-%Y}",
            "WorkTime": "08:00",
            "WorkEndDate": f"{day:%d-%m-%Y}",
            "WorkEndTime": "12:00",
            "WorkDuration": "240",
            "TypeOfWork": kind,
            "ShortWorkDescription": short,
            "WorkDescription": done,
            "PaymentMethod": "op rekening",
            "CreationDate": f"{day - datetime.timedelta(days=9)} 09:12:40",
            "MutationDate": f"{day + datetime.timedelta(days=1)} 08:31:05",
            "EmployeeNr": EMPLOYEES[index % len(EMPLOYEES)][0],
            "WorksheetCode": hashlib.sha256(str(key).encode()).hexdigest()[:32],
            "status": "Compleet",
            "WorkStatus": "1",
            "WorkFinished": "1",
            "PickupPlanning": "0",
            "WebPlanning": "0",
            "MinimumHours": "0.00",
            "RoundingAmount": "0",
            "Employees": [EMPLOYEES[index % len(EMPLOYEES)][0]],
        }
        payer = self._payer_of(debtor)
        return {**frame, **_customer(debtor, ""), **_customer(payer, "Invoice"), **_codes(debtor, payer)}

    def _payer_of(self, debtor: Debtor) -> Debtor:
        if debtor.invoice_number is UNSET:
            return debtor
        return next(one for one in self._company.debtors if one.number == debtor.invoice_number)


def _codes(debtor: Debtor, payer: Debtor) -> Record:
    return {
        "CpnCode": f"{debtor.number}-1" if debtor.contacts else "",
        "AdrCode": f"{debtor.number}-1" if debtor.addresses else "",
        "CpnCodeInvoice": f"{payer.number}-1" if payer.contacts else "",
    }


def _customer(debtor: Debtor, suffix: str) -> Record:
    values = {
        "Name": debtor.name,
        "DebtorNr": str(debtor.number),
        "Street": debtor.street,
        "StreetNo": debtor.house_number,
        "Email": debtor.email,
        "ZIP": debtor.postal_code,
        "City": debtor.city,
        "Country": "NL",
        "ContactPerson": debtor.contacts[0].name if debtor.contacts else debtor.name,
        "Phone": debtor.phone,
    }
    return {f"Customer{name}{suffix}": value for name, value in values.items()}


def _day(index: int) -> datetime.date:
    return _FIRST_DAY + datetime.timedelta(days=index % 40)


def _euros(amount: Decimal, *, point: bool) -> str:
    text = euros(amount)
    return text if point else text.replace(".", ",")
