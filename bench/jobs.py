"""Work orders of a usual size: every key of OutSmart's answer, six materials, two periods, two texts."""

from __future__ import annotations

from sandboxes.messages import Record
from sandboxes.outsmart.fields import blank_work_order, material_row, period_row

MATERIALS, PERIODS, TEXTS = 6, 2, 2
LINES = MATERIALS + PERIODS + TEXTS
DEBTOR, WAREHOUSE, RATE = "10", "1", "MONT"
ARTICLES = tuple(f"BENCH-{number}" for number in range(1, MATERIALS + 1))

# What King must contain for these work orders: kind, number, fields.
MASTERS: tuple[tuple[str, str, Record], ...] = (
    ("debtor", DEBTOR, {"Naam1": "Bakkerij De Korenaar", "Straat": "Kade", "PostCode": "1000 AA", "Woonplaats": "Ede"}),
    ("warehouse", WAREHOUSE, {"Omschrijving": "Hoofdmagazijn", "IsDefault": 1}),
    ("rate", RATE, {"OmschrijvingKort": "Monteur", "AantalDecimalen": 2}),
    *(("article", code, {"OmschrijvingKort": f"Artikel {code}", "AantalDecimalen": 2}) for code in ARTICLES),
)
_CUSTOMER = {
    "Name": "Bakkerij De Korenaar",
    "DebtorNr": DEBTOR,
    "Street": "Kade",
    "StreetNo": "12",
    "ZIP": "1000 AA",
    "City": "Ede",
}


def work_order(number: int) -> Record:
    """Return a completed work order with this row id, at the trigger, for a new King order."""
    customer = {f"Customer{name}{side}": value for name, value in _CUSTOMER.items() for side in ("", "Invoice")}
    return {
        **blank_work_order(),
        **customer,
        "id": str(number),
        "OrderNr": f"2025.{number}",
        "TypeOfWork": "Onderhoud",
        "WorkDate": "10-11-2025",
        "WorkEndDate": "10-11-2025",
        "WorkDescription": "Ketel gereinigd en afgesteld, expansievat vervangen, rookgas gemeten.",
        "status": "Compleet",
        "WorkStatus": "1",
        "WorkFinished": "1",
        "MutationDate": "2025-11-10 16:00:00",
        "Materials": [_material(code) for code in ARTICLES],
        "Workperiods": [_period(number, index) for index in range(PERIODS)],
    }


def _material(code: str) -> Record:
    return material_row(
        {"MaterialCode": code, "MaterialName": f"Artikel {code}", "MaterialNr": "2,5", "MaterialPrice": "6,40"}
    )


def _period(number: int, index: int) -> Record:
    begin = 8 + 2 * index
    return period_row(
        {
            "Id": str(number * PERIODS + index),
            "BeginTime": f"{begin:02}:00",
            "EndTime": f"{begin + 1:02}:40",
            "TotalTime": "01:40",
            "WorkDate": "10-11-2025",
            "HourType": RATE,
        }
    )
