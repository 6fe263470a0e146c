"""The same King calls in a bare loop on one kept connection: what the sandbox itself allows. Prints the seconds.

With several administrations it is one loop for each, at the same time, in threads.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from bench import jobs


def main() -> None:
    """Make `python -m bench.floor ACCESS_CODE COUNT URL...` orders at each and print how long it took."""
    code, count, *addresses = sys.argv[1:]
    with ThreadPoolExecutor(len(addresses)) as threads:
        began = time.monotonic()
        list(threads.map(lambda address: _orders(address, code, int(count)), addresses))
        sys.stdout.write(f"{time.monotonic() - began}\n")


def _orders(address: str, code: str, count: int) -> None:
    with requests.Session() as session:
        session.headers["ACCESS-TOKEN"] = code
        session.trust_env = False
        for number in range(count):
            _order(session, address, number)


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
