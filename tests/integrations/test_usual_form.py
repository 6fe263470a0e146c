"""A record in the usual form is read as the exact reader reads it, and any other is left to that one."""

from __future__ import annotations

from typing import Any, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations import errors
from integrations.king import names, payloads
from integrations.king.records import Article
from integrations.shapes import Shape
from integrations.usual_form import UsualForm

EXACT = Shape(Article, names.ARTICLE, key="number")
HINTS = get_type_hints(Article)
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-10, 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["", " ", "8,95", "8.95", "NaN", "Infinity", "1e400", "1_000", "null", "J", "1", "0", "\t", "-0"]),
    st.lists(st.integers(), max_size=1),
)
USUAL_RECORD = (
    b'{"ArtikelNummer":"A-1","Omschrijving":"Kraan \\u00e9\\u00e9n","VerkoopPrijsExclBtw":8.950,"KostPrijs":4,'
)
USUAL_RECORD += b'"BtwCode":2,"AantalDecimalen":3,"GeblokkeerdVoorVerkoop":1,"Onbekend":[{}]}'


def exact(raw: bytes) -> Article | None:
    try:
        return EXACT.read(raw)
    except errors.PayloadError:
        return None


def test_a_usual_record_is_read_without_the_exact_reader() -> None:
    read = UsualForm(Article, names.ARTICLE, HINTS).read(USUAL_RECORD)

    assert read is not None
    assert read == EXACT.read(USUAL_RECORD)
    assert (read.description, str(read.sales_price), read.vat_code, read.decimals, read.is_blocked) == (
        "Kraan één",
        "8.950",
        "2",
        3,
        True,
    )


@given(st.dictionaries(st.sampled_from([*names.ARTICLE.values(), "Onbekend"]), SCALARS))
def test_any_record_is_read_as_the_exact_reader_reads_it(values: dict[str, Any]) -> None:
    raw = msgspec.json.encode({"ArtikelNummer": "A-1", **values})

    try:
        read = payloads.article(raw)
    except errors.PayloadError:
        read = None

    assert read == exact(raw)
    assert repr(read) == repr(exact(raw))


@pytest.mark.parametrize("price", ["1e400", "1e-400", '"NaN"', '"1_000"', "true", '"१"', "1E+2", "0.0", "-5.10"])
def test_a_number_in_any_notation_is_read_as_the_exact_reader_reads_it(price: str) -> None:
    raw = b'{"ArtikelNummer": "A-1", "VerkoopPrijsExclBtw": %s}' % price.encode()

    try:
        read = payloads.article(raw)
    except errors.PayloadError:
        read = None

    assert repr(read) == repr(exact(raw))
