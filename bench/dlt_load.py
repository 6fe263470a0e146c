"""The same pages loaded by dlt in its own environment: `dlt_load.py KING_URL ACCESS_CODE DATABASE SCHEMA FOLDER`.

Independent of kingsync. Merges by article number, as dlt's documentation recommends for records that change. Prints
the seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import dlt  # type: ignore[import-not-found]
import requests

PAGE = 500


def main() -> None:
    """Load all articles and print how long it took."""
    url, code, database, schema, folder = sys.argv[1:]
    destination = dlt.destinations.postgres(credentials=database)
    pipeline = dlt.pipeline("articles", pipelines_dir=folder, destination=destination, dataset_name=schema)
    articles = dlt.resource(
        _pages(url, code),
        name="articles",
        primary_key="ArtikelNummer",
        write_disposition={"disposition": "merge", "strategy": "upsert"},
    )
    began = time.monotonic()
    pipeline.run(articles).raise_on_failed_jobs()
    sys.stdout.write(f"{time.monotonic() - began}\n")


def _pages(url: str, code: str) -> Iterator[list[dict[str, Any]]]:
    body: dict[str, object] = {"MaxAantal": PAGE}
    with requests.Session() as session:
        session.trust_env = False
        session.headers["ACCESS-TOKEN"] = code
        while True:
            page = session.post(f"{url}/Artikelen_Opvragen", json=body).json()[0]
            yield page["Artikelen"]
            if not page.get("VolgendeVanaf"):
                return
            body["VanafNummer"] = page["VolgendeVanaf"]


if __name__ == "__main__":
    main()
