"""The same pages and batches in a bare loop on kept connections: what the sandboxes themselves allow.

`python -m bench.import_floor read KING_URL` fetches and parses every page; `post KING_URL OUTSMART_URL` does that,
makes a row of each record and posts them; `only-post` prepares the rows beforehand. Prints the seconds that it took,
and those of the processor.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import msgspec
import requests

from bench.world import ACCESS_CODE, ADMINISTRATION, TOKENS

PAGE, BATCH = 500, 200


Row = dict[str, Any]


def main() -> None:
    """Do what the arguments say and print how long it took."""
    wanted, *addresses = sys.argv[1:]
    with requests.Session() as king, requests.Session() as outsmart:
        king.trust_env = outsmart.trust_env = False
        began, cpu = time.monotonic(), time.process_time()
        batches = list(_batches(king, addresses[0])) if wanted == "only-post" else _batches(king, addresses[0])
        if wanted == "only-post":
            began, cpu = time.monotonic(), time.process_time()
        for batch in batches:
            if wanted != "read":
                post(outsmart, addresses[1], rows_of(batch))
        sys.stdout.write(f"{time.monotonic() - began} {time.process_time() - cpu}\n")


def _batches(king: requests.Session, url: str) -> Iterator[list[Row]]:
    waiting: list[Row] = []
    for page in pages(king, url):
        waiting += page
        while len(waiting) >= BATCH:
            yield waiting[:BATCH]
            del waiting[:BATCH]
    if waiting:
        yield waiting


def pages(king: requests.Session, url: str) -> Iterator[list[Row]]:
    """Yield King's articles, page by page."""
    body: dict[str, object] = {"MaxAantal": PAGE}
    while True:
        answer = king.post(
            f"{url}/{ADMINISTRATION}/Artikelen_Opvragen", json=body, headers={"ACCESS-TOKEN": ACCESS_CODE}
        )
        page = msgspec.json.decode(answer.content)[0]
        yield page["Artikelen"]
        if not page.get("VolgendeVanaf"):
            return
        body["VanafNummer"] = page["VolgendeVanaf"]


def rows_of(batch: list[Row]) -> list[Row]:
    """Return OutSmart's rows for King's articles."""
    return [
        {
            "code": each["ArtikelNummer"],
            "description": each["Omschrijving"],
            "price": f"{each['VerkoopPrijsExclBtw']:.2f}",
            "unit": each["Eenheid"],
        }
        for each in batch
    ]


def post(outsmart: requests.Session, url: str, rows: list[Row]) -> None:
    """Post rows in one call, and expect that OutSmart takes them."""
    answer = outsmart.post(f"{url}/openapi/8/materials/", params=TOKENS, data=msgspec.json.encode(rows))
    assert answer.json()["code"] == 200, answer.text


if __name__ == "__main__":
    main()
