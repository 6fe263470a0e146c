"""King's XML export files: what is read, what is refused, and that both readers give the same records."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from integrations import errors
from integrations.king import payloads
from integrations.king.reader import Coverage
from integrations.king.records import Kind
from integrations.king.xml import documents
from integrations.king.xml.file import FileError, XmlFile
from integrations.king.xml.reader import XmlReader
from sandboxes.king import company as made_up_company
from sandboxes.king import example_company, records
from tests import king_xml

SAMPLES = Path(__file__).parent.parent / "samples"
DECODE: dict[Kind, Callable[[bytes], msgspec.Struct]] = {
    Kind.DEBTOR: payloads.debtor,
    Kind.ARTICLE: payloads.article,
    Kind.RATE: payloads.rate,
    Kind.WAREHOUSE: payloads.warehouse,
    Kind.ORDER: payloads.order,
}
ARTICLES = "<KING_ARTIKELEN><ARTIKELEN>{}</ARTIKELEN></KING_ARTIKELEN>"


def sample(name: str, kind: Kind) -> XmlFile:
    return XmlFile(key="1", name=name, path=str(SAMPLES / name), kind=kind)


def written(folder: Path, content: bytes | str, kind: Kind = Kind.ARTICLE, *, key: str = "1") -> XmlFile:
    path = folder / f"{kind}-{key}.xml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return XmlFile(key=key, name=path.name, path=str(path), kind=kind)


def raws(*files: XmlFile, size: int = 500) -> list[bytes]:
    pages = XmlReader(files).iter_pages(files[0].kind or Kind.ARTICLE, size=size)
    return [bytes(raw) for page in pages for raw in page.records]


def decoded(*files: XmlFile, size: int = 500) -> list[msgspec.Struct]:
    assert files[0].kind
    return [DECODE[files[0].kind](raw) for raw in raws(*files, size=size)]


def failure(file: XmlFile) -> FileError:
    with pytest.raises(FileError) as raised:
        raws(file)
    return raised.value


# --- Every kind of document -------------------------------------------------------------------------------------------


def test_a_debtor_has_its_address_people_and_delivery_addresses() -> None:
    first, second = raws(sample("king-debiteuren.xml", Kind.DEBTOR))

    debtor, other = payloads.debtor(first), payloads.debtor(second)
    assert (debtor.number, debtor.name, debtor.house_number) == ("12000002", "Café De Hoek", "4 bis")
    assert (debtor.invoice_debtor_number, debtor.vat_number, debtor.is_blocked) == ("12000001", "NL001234567B01", False)
    assert debtor.remark == "Sleutel bij de buren <nr. 4> & bellen: € 25 voorrijden"
    assert [(person.number, person.name) for person in debtor.contact_persons] == [
        ("0", "A.B. van het Voorbeeld"),
        ("1", "Mevrouw Proef"),
    ]
    assert [(place.number, place.description) for place in debtor.delivery_addresses] == [("1", "Magazijn achterom")]
    assert (other.name, other.street, other.is_blocked, other.invoice_debtor_number) == (
        "Familie Proef",
        "Laan",
        True,
        "",
    )
    assert b"NL00BANK" not in first


def test_an_article_has_its_dutch_text_its_standard_ean_code_and_only_a_price_without_vat() -> None:
    pipe, radiator, old = (payloads.article(raw) for raw in raws(sample("king-artikelen.xml", Kind.ARTICLE)))

    assert (pipe.number, pipe.unit, pipe.decimals, pipe.vat_code, pipe.revenue_group) == (
        "0800-15",
        "m",
        2,
        "2",
        "8000",
    )
    assert (pipe.sales_price, pipe.cost_price) == (Decimal("6.4"), Decimal("3.15"))
    assert (pipe.description, pipe.ean_code) == ("Koperen buis 15 mm,\nper meter", "8710000000002")
    assert not pipe.is_blocked
    assert (radiator.number, radiator.sales_price, radiator.price_with_vat) == ("RADIATOR", None, Decimal(121))
    assert old.is_blocked


def test_a_rate_has_the_unit_of_its_project_part() -> None:
    fitter, breakdown = (payloads.rate(raw) for raw in raws(sample("king-tarieven.xml", Kind.RATE)))

    assert (fitter.number, fitter.description, fitter.unit) == ("MONT", "Monteur", "uur")
    assert (fitter.price, fitter.decimals, fitter.is_blocked) == (Decimal("62.5"), 2, False)
    assert (breakdown.price, breakdown.is_blocked) == (None, True)


def test_the_stock_names_each_warehouse_once() -> None:
    found = [payloads.warehouse(raw) for raw in raws(sample("king-voorraad.xml", Kind.WAREHOUSE))]

    assert [(each.number, each.description) for each in found] == [
        ("1", "Hoofdmagazijn"),
        ("2", "Bus"),
        ("3", "Buitenterrein"),
    ]


def test_an_order_has_its_lines_without_those_marked_as_deleted() -> None:
    first, second = (payloads.order(raw) for raw in raws(sample("king-orders.xml", Kind.ORDER)))

    assert (first.number, first.external_number, first.debtor_number) == ("26000123", "WEB-77", "12000002")
    assert (first.order_date, first.delivery_date) == (date(2026, 1, 31), date(2026, 2, 3))
    assert (first.is_approved, first.is_released, first.contact_person_number) == (True, False, "0")
    assert [(line.line_id, line.position, line.kind) for line in first.lines] == [
        ("9001", 1, "ART"),
        ("9003", 2, "TAR"),
        ("9004", 3, "TEKST"),
    ]
    line = first.lines[0]
    assert (line.quantity, line.price, line.warehouse) == (Decimal("12.5"), Decimal("6.4"), "1")
    assert (line.description, line.text) == ("Koperen buis 15 mm,", "Koperen buis 15 mm,\nper meter")
    assert (second.number, second.lines[0].price) == ("26000125", None)


# --- The same records as the webservices ------------------------------------------------------------------------------


def both(
    folder: Path, kind: Kind, document: bytes, records: Iterable[records.Record]
) -> tuple[list[msgspec.Struct], list[msgspec.Struct]]:
    """Return the records as the files and as the webservices give them."""
    return decoded(written(folder, document, kind)), [DECODE[kind](msgspec.json.encode(record)) for record in records]


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "Windows-1252", "utf8", "iso-8859-15"])
def test_debtors_are_the_same_by_both_readers(tmp_path: Path, encoding: str) -> None:
    records = [*example_company.example_company().debtors, *made_up_company.company(debtors=60).debtors]

    ours, theirs = both(tmp_path, Kind.DEBTOR, king_xml.debtors(records, encoding=encoding), records)

    assert ours == theirs


def test_articles_rates_and_orders_are_the_same_by_both_readers(tmp_path: Path) -> None:
    for company in (example_company.example_company(), made_up_company.company(records=200)):
        ours, theirs = both(tmp_path, Kind.ARTICLE, king_xml.articles(company.articles), company.articles)
        assert ours == theirs
        ours, theirs = both(tmp_path, Kind.RATE, king_xml.rates(company.rates), company.rates)
        assert ours == theirs
        ours, theirs = both(tmp_path, Kind.ORDER, king_xml.orders(company.orders), company.orders)
        assert ours == theirs


def test_warehouses_are_the_same_by_both_readers_but_for_the_default(tmp_path: Path) -> None:
    records = example_company.example_company().warehouses

    ours, theirs = both(tmp_path, Kind.WAREHOUSE, king_xml.stock(records), records)

    assert ours == [msgspec.structs.replace(each, is_default=False) for each in theirs]


def test_the_same_record_is_always_the_same_bytes(tmp_path: Path) -> None:
    plain = ARTICLES.format("<ARTIKEL><ART_NUMMER>A</ART_NUMMER><ART_KOSTPRIJS>1.50</ART_KOSTPRIJS></ARTIKEL>")
    other = ARTICLES.format(
        "\n <ARTIKEL soort='x'>\n<ART_KOSTPRIJS> +1.5 </ART_KOSTPRIJS><!-- --><ART_NUMMER>A</ART_NUMMER></ARTIKEL>"
    )

    assert raws(written(tmp_path, plain)) == raws(written(tmp_path, other))


# --- Tolerance --------------------------------------------------------------------------------------------------------


def test_namespaces_other_record_names_and_unknown_elements_do_no_harm(tmp_path: Path) -> None:
    text = """<k:KING_ARTIKELEN xmlns:k="urn:x" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
      <k:KOP><k:GEMAAKT>vandaag</k:GEMAAKT></k:KOP>
      <k:ARTIKELEN><k:REGEL><ART_NIEUW><ART_NUMMER>niet deze</ART_NUMMER></ART_NIEUW><k:art_nummer>A</k:art_nummer>
        <ART_EENHEID xsi:nil="true"/></k:REGEL></k:ARTIKELEN></k:KING_ARTIKELEN>"""

    [article] = decoded(written(tmp_path, text))

    assert article == payloads.article(b'{"ArtikelNummer": "A"}')


def test_records_directly_below_the_root_are_read(tmp_path: Path) -> None:
    text = numbered(2).replace("<ARTIKELEN>", "").replace("</ARTIKELEN>", "")

    assert [payloads.article(raw).number for raw in raws(written(tmp_path, text), size=1)] == ["1", "2"]


def test_a_value_of_the_wrong_form_makes_that_record_unreadable_and_no_other(tmp_path: Path) -> None:
    text = ARTICLES.format(
        "<ARTIKEL><ART_NUMMER>A</ART_NUMMER><ART_KOSTPRIJS>veel</ART_KOSTPRIJS></ARTIKEL>"
        "<ARTIKEL><ART_OMSCHRIJVING>zonder nummer</ART_OMSCHRIJVING></ARTIKEL>"
        "<ARTIKEL><ART_NUMMER>C</ART_NUMMER></ARTIKEL>"
    )

    wrong, unnumbered, right = raws(written(tmp_path, text))

    with pytest.raises(errors.PayloadError, match="KostPrijs"):
        payloads.article(wrong)
    with pytest.raises(errors.PayloadError, match="ArtikelNummer"):
        payloads.article(unnumbered)
    assert payloads.article(right).number == "C"


def test_a_document_without_records_is_read_to_its_end(tmp_path: Path) -> None:
    assert raws(written(tmp_path, "<KING_ARTIKELEN><ARTIKELEN/></KING_ARTIKELEN>")) == []


# --- What is refused --------------------------------------------------------------------------------------------------

BILLION_LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<KING_ARTIKELEN><ARTIKELEN><ARTIKEL><ART_NUMMER>&c;</ART_NUMMER></ARTIKEL></ARTIKELEN></KING_ARTIKELEN>"""
EXTERNAL = """<?xml version="1.0"?><!DOCTYPE KING_ARTIKELEN [<!ENTITY x SYSTEM "file:///etc/passwd">]>
<KING_ARTIKELEN><ARTIKELEN><ARTIKEL><ART_NUMMER>&x;</ART_NUMMER></ARTIKEL></ARTIKELEN></KING_ARTIKELEN>"""
ELSEWHERE = '<!DOCTYPE KING_ARTIKELEN SYSTEM "http://127.0.0.1:9/king.dtd"><KING_ARTIKELEN/>'


@pytest.mark.parametrize(
    "text", [BILLION_LAUGHS, EXTERNAL, ELSEWHERE, BILLION_LAUGHS.encode("utf-16").decode("utf-16")]
)
def test_a_doctype_is_refused_before_anything_in_it_is_used(tmp_path: Path, text: str) -> None:
    assert failure(written(tmp_path, text)).reason == "file_doctype"


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("", "file_broken", 1),
        ("geen xml", "file_broken", 1),
        (ARTICLES.format("\n<ARTIKEL>\n<ART_NUMMER>A</ART_NUMER></ARTIKEL>"), "file_broken", 3),
        (ARTICLES.format("\n<ARTIKEL>\n<ART_NUMMER>A")[:-30], "file_broken", 3),
        (ARTICLES.format("&onbekend;"), "file_broken", 1),
        (ARTICLES.format("<ARTIKEL><ART_NUMMER>A\x00</ART_NUMMER></ARTIKEL>"), "file_broken", 1),
        ("<KING_JOURNAAL/>", "file_foreign", 1),
        ("<html><body/></html>", "file_foreign", 1),
        ("<KING_DEBITEUREN/>", "file_foreign", 1),
        ('<?xml version="1.0" encoding="onzin"?><KING_ARTIKELEN/>', "file_encoding", 1),
        ('<?xml version="1.0" encoding="shift-jis"?><KING_ARTIKELEN/>', "file_encoding", 1),
        ('<?xml version="1.0" encoding="zip"?><KING_ARTIKELEN/>', "file_encoding", 1),
        (ARTICLES.format("<A>" * 40 + "</A>" * 40), "file_too_large", 1),
        (ARTICLES.format("".join(f"<A{number}/>" for number in range(6000))), "file_too_large", 1),
    ],
)
def test_a_file_that_is_not_right_is_refused_with_its_line(tmp_path: Path, text: str, reason: str, line: int) -> None:
    error = failure(written(tmp_path, text))

    assert (error.reason, error.line, error.key, error.operation) == (reason, line, "1", "article-1.xml")


def test_signs_of_another_encoding_are_named_as_such(tmp_path: Path) -> None:
    text = ARTICLES.format("<ARTIKEL><ART_NUMMER>A</ART_NUMMER>\n<ART_OMSCHRIJVING>Café</ART_OMSCHRIJVING></ARTIKEL>")

    error = failure(written(tmp_path, text.encode("windows-1252")))

    assert (error.reason, error.line) == ("file_encoding", 2)


@pytest.mark.parametrize("inner", ["<ART_OMSCHRIJVING>{}</ART_OMSCHRIJVING>", "<ART_X>{}</ART_X>", "<ART_X y='{}'/>"])
def test_a_record_may_not_be_without_end(tmp_path: Path, inner: str) -> None:
    endless = inner.format("x" * 9_000_000)

    assert failure(written(tmp_path, ARTICLES.format(f"<ARTIKEL>{endless}</ARTIKEL>"))).reason == "file_too_large"


def test_a_file_that_is_gone_or_changed_is_named(tmp_path: Path) -> None:
    gone = XmlFile(key="7", name="weg.xml", path=str(tmp_path / "weg.xml"), kind=Kind.ARTICLE)
    changed = msgspec.structs.replace(sample("king-artikelen.xml", Kind.ARTICLE), digest="0" * 64)

    assert (failure(gone).reason, failure(changed).reason) == ("file_missing", "file_changed")


def test_records_before_a_break_are_given_first(tmp_path: Path) -> None:
    text = ARTICLES.format("<ARTIKEL><ART_NUMMER>A</ART_NUMMER></ARTIKEL>" * 3 + "<ARTIKEL><")
    pages = XmlReader([written(tmp_path, text)]).iter_pages(Kind.ARTICLE, size=1)

    assert next(pages).records
    with pytest.raises(FileError):
        list(pages)


# --- Pages and marks --------------------------------------------------------------------------------------------------


def numbered(count: int, first: int = 1) -> str:
    return ARTICLES.format(
        "".join(f"\n<ARTIKEL><ART_NUMMER>{number}</ART_NUMMER></ARTIKEL>" for number in range(first, first + count))
    )


def numbers(raw: Iterable[bytes]) -> list[str]:
    return [payloads.article(each).number for each in raw]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_reading_goes_on_behind_every_mark(tmp_path: Path, encoding: str) -> None:
    files = [
        written(tmp_path, numbered(7).encode(encoding), key="1"),
        written(tmp_path, numbered(4, 101).encode(encoding), key="2"),
    ]
    everything = numbers(raws(*files))
    reader = XmlReader(files)

    done: list[str] = []
    for page in XmlReader(files).iter_pages(Kind.ARTICLE, size=2):
        done += numbers(map(bytes, page.records))
        if page.next_after:
            rest = reader.iter_pages(Kind.ARTICLE, after=page.next_after, size=3)
            assert done + [number for later in rest for number in numbers(map(bytes, later.records))] == everything
    assert done == everything
    assert reader.counted == {"1": 7, "2": 4}


def test_a_break_behind_a_mark_has_its_line_and_place_in_the_whole_file(tmp_path: Path) -> None:
    file = written(tmp_path, numbered(5).replace("</ARTIKELEN>", "<ARTIKEL></ARTIKELEN>"))
    mark = next(XmlReader([file]).iter_pages(Kind.ARTICLE, size=4)).next_after
    assert mark

    with pytest.raises(FileError) as raised:
        list(XmlReader([file]).iter_pages(Kind.ARTICLE, after=mark))

    assert raised.value.line == 6


def test_reading_goes_on_in_a_second_group_too(tmp_path: Path) -> None:
    text = "<KING_ARTIKELEN>{0}{0}</KING_ARTIKELEN>".format(
        "<{g}><ARTIKEL><ART_NUMMER>A</ART_NUMMER></ARTIKEL><ARTIKEL><ART_NUMMER>B</ART_NUMMER></ARTIKEL></{g}>"
    )
    file = written(tmp_path, text.replace("{g}", "G1", 2).replace("{g}", "G2", 2))
    page, third, *_ = XmlReader([file]).iter_pages(Kind.ARTICLE, size=3)

    mark = [each.next_after for each in XmlReader([file]).iter_pages(Kind.ARTICLE, size=1)][2]
    rest = XmlReader([file]).iter_pages(Kind.ARTICLE, after=mark or "")

    assert numbers(map(bytes, page.records)) == ["A", "B"]
    assert numbers(map(bytes, third.records)) == ["A", "B"]
    assert [numbers(map(bytes, each.records)) for each in rest] == [["B"], []]


def test_no_page_holds_a_record_twice(tmp_path: Path) -> None:
    text = ARTICLES.format("".join(f"<ARTIKEL><ART_NUMMER>{name}</ART_NUMMER></ARTIKEL>" for name in "ABAAC"))

    pages = [
        numbers(map(bytes, page.records)) for page in XmlReader([written(tmp_path, text)]).iter_pages(Kind.ARTICLE)
    ]

    assert pages == [["A", "B"], ["A"], ["A", "C"], []]


def test_a_mark_of_a_file_that_is_gone_begins_anew(tmp_path: Path) -> None:
    file = written(tmp_path, numbered(2))

    pages = XmlReader([file]).iter_pages(Kind.ARTICLE, after="99:1:1:40:2")

    assert [numbers(map(bytes, page.records)) for page in pages] == [["1", "2"], []]


def test_a_file_covers_some_of_its_kind_and_nothing_of_another() -> None:
    reader = XmlReader([sample("king-artikelen.xml", Kind.ARTICLE)])

    assert (reader.covers(Kind.ARTICLE), reader.covers(Kind.DEBTOR)) == (Coverage.SOME, Coverage.NOTHING)
    assert [page.records for page in reader.iter_pages(Kind.DEBTOR)] == [()]


def test_files_cannot_be_asked_for_one_record() -> None:
    reader = XmlReader([])

    assert not reader.can_look_up
    for ask in (
        lambda: reader.get_order(number="1"),
        lambda: reader.find_record(Kind.DEBTOR, "1"),
    ):
        with pytest.raises(errors.ConfigurationError, match="cannot be asked"):
            ask()


def test_a_whole_file_tells_its_document(tmp_path: Path) -> None:
    unknown = msgspec.structs.replace(sample("king-orders.xml", Kind.ORDER), kind=None)
    half = msgspec.structs.replace(written(tmp_path, numbered(9)[:-20]), kind=None)

    assert (documents.document_of(unknown), documents.check(unknown)) == ("KING_ORDERS", "KING_ORDERS")
    assert documents.document_of(half) == "KING_ARTIKELEN"
    with pytest.raises(FileError):
        documents.check(half)


# --- Memory -----------------------------------------------------------------------------------------------------------


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak_of(count: int) -> int:
        file = written(tmp_path, king_xml.articles(list(made_up_company.make_articles(1, count))))
        tracemalloc.start()
        seen = sum(len(page.records) for page in XmlReader([file]).iter_pages(Kind.ARTICLE))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert seen == count
        return peak

    small, large = peak_of(1_000), peak_of(6_000)

    assert large < small * 1.3
    assert large < 5_000_000
