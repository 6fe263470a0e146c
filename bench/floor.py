"""The same King calls in a bare loop on one kept connection: what the sandbox itself allows. Prints the seconds."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import requests

from bench import jobs


def main() -> None:
    """Make `python -m bench.floor URL ACCESS_CODE COUNT` orders and print how long it took."""
    address, code, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with requests.Session() as session:
        session.headers["ACCESS-TOKEN"] = code
        session.trust_env = False
        began = time.monotonic()
        for number in range(count):
            _order(session, address, number)
        sys.stdout.write(f"{time.monotonic() - began}\n")


def _order(session: requests.Session, address: str, number: int) -> None:
    def call(operation: str, **fields: Any) -> dict[str, Any]:
        answer: dict[str, Any] = session.post(f"{address}/{operation}", json=fields).json()[0]
        assert answer["Status"] == 0, answer
        return answer

    order = call("Order_Toevoegen", DebiteurNummer=int(jobs.DEBTOR), Referentie=f"Vloer {number}")["OrderNummer"]
    for line in _lines():
        call("Order_OrderRegel_Toevoegen", OrderNummer=order, **line)
    assert len(call("Orders_Opvragen", OrderNummer=order)["Orders"][0]["OrderRegels"]) == jobs.LINES
    call("Order_LockVrijgeven", OrderNummer=order)


def _lines() -> list[dict[str, Any]]:
    amounts = {"AantalBesteld": 2.5, "AantalDezeLevering": 2.5}
    articles = [{"RegelSoort": "ART", "ArtikelNummer": code, "Magazijn": 1} | amounts for code in jobs.ARTICLES]
    rates: list[dict[str, Any]] = [{"RegelSoort": "TAR", "ArtikelNummer": jobs.RATE} | amounts] * jobs.PERIODS
    texts: list[dict[str, Any]] = [{"RegelSoort": "TEKST", "TekstOpFactuur": json.dumps(jobs.LINES)}] * jobs.TEXTS
    return [*articles, *rates, *texts]


if __name__ == "__main__":
    main()
