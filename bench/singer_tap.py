"""A Singer tap of King's articles: `singer_tap.py KING_URL ACCESS_CODE` writes its messages to standard output.

Independent of kingsync, and as plain as the specification allows, so that the pair is as fast as its target.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import requests

PAGE = 500
STREAM = "articles"
_TEXT = {"type": ["string", "null"]}
_NUMBER = {"type": ["number", "null"]}
PROPERTIES = {
    "ArtikelNummer": {"type": "string"},
    **dict.fromkeys(("ZoekCode", "OmschrijvingKort", "Omschrijving", "Eenheid", "EanCode", "MutatieDatum"), _TEXT),
    **dict.fromkeys(
        ("VerkoopPrijsExclBtw", "KostPrijs", "BtwCode", "OpbrengstGroepNummer", "AantalDecimalen"), _NUMBER
    ),
    **dict.fromkeys(("VoorraadArtikel", "GeblokkeerdVoorVerkoop"), _NUMBER),
}


def main() -> None:
    """Write the schema, every article and the state."""
    url, code = sys.argv[1:]
    _say(
        {"type": "SCHEMA", "stream": STREAM, "schema": {"properties": PROPERTIES}, "key_properties": ["ArtikelNummer"]}
    )
    body: dict[str, object] = {"MaxAantal": PAGE}
    with requests.Session() as session:
        session.trust_env = False
        session.headers["ACCESS-TOKEN"] = code
        while True:
            page = session.post(f"{url}/Artikelen_Opvragen", json=body).json()[0]
            for record in page["Artikelen"]:
                _say({"type": "RECORD", "stream": STREAM, "record": record})
            if not page.get("VolgendeVanaf"):
                break
            body["VanafNummer"] = page["VolgendeVanaf"]
    _say({"type": "STATE", "value": {}})


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")


if __name__ == "__main__":
    main()
