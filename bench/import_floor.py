"""The same pages and batches in a bare loop on kept connections: what the sandboxes themselves allow.

`python -m bench.import_floor read KING_URL` fetches and parses; `post KING_URL OUTSMART_URL` does that, makes rows of
it and posts them; `only-post` measures the posting alone. Prints the seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import msgspec
import requests

from bench.world import ACCESS_CODE, ADMINISTRATION, TOKENS

PAGE, BATCH = 500, 200


class Article(msgspec.Struct, rename={"number": "ArtikelNummer", "text": "Omschrijving", "unit": "Eenheid"}):
    """What a row is made of."""

    number: str
    text: str = ""
    unit: str = ""
    price: float = msgspec.field(default=0.0, name="VerkoopPrijsExclBtw")


class Answer(msgspec.Struct):
    """One page of King's."""

    articles: list[Article] = msgspec.field(name="Artikelen")
    next_after: str | None = msgspec.field(default=None, name="VolgendeVanaf")


_decoder = msgspec.json.Decoder(tuple[Answer])


def main() -> None:
    """This function will do what its arguments say and tell how long it took."""
    wanted, *addresses = sys.argv[1:]
    with requests.Session() as king, requests.Session() as outsmart:
        king.trust_env = outsmart.trust_env = False
        began = time.monotonic()
        batches = list(_batches(king, addresses[0])) if wanted == "only-post" else _batches(king, addresses[0])
        if wanted == "only-post":
            began = time.monotonic()
        for batch in batches:
            if wanted != "read":
                _post(outsmart, addresses[1], batch)
        sys.stdout.write(f"{time.monotonic() - began}\n")


def _batches(king: requests.Session, url: str) -> Iterator[list[Article]]:
    waiting: list[Article] = []
    for page in _pages(king, url):
        waiting += page
        while len(waiting) >= BATCH:
            yield waiting[:BATCH]
            del waiting[:BATCH]
    if waiting:
        yield waiting


def _pages(king: requests.Session, url: str) -> Iterator[list[Article]]:
    body: dict[str, object] = {"MaxAantal": PAGE}
    while True:
        answer = king.post(f"{url}/{ADMINISTRATION}/Artikelen_Opvragen", json=body, headers={"ACCESS-TOKEN": ACCESS_CODE})
        (page,) = _decoder.decode(answer.content)
        yield page.articles
        if not page.next_after:
            return
        body["VanafNummer"] = page.next_after


def _post(outsmart: requests.Session, url: str, batch: list[Article]) -> None:
    rows = [
        {"code": each.number, "description": each.text, "price": f"{each.price:.2f}", "unit": each.unit} for each in batch
    ]
    answer = outsmart.post(f"{url}/openapi/8/materials/", params=TOKENS, data=msgspec.json.encode(rows))
    assert answer.json()["code"] == 200, answer.text


if __name__ == "__main__":
    main()
