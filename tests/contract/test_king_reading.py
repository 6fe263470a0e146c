"""King's records, and the bodies of its calls: names and notation."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from integrations import errors
from integrations.king import names, payloads, records
from integrations.king.records import Kind, LineKind

SAMPLES = Path(__file__).parent / "samples"


def raw_records(name: str, entity: str) -> list[bytes]:
    element = msgspec.json.decode((SAMPLES / name).read_bytes(), type=list[dict[str, msgspec.Raw]])[0]
    return [bytes(raw) for raw in msgspec.json.decode(element[entity], type=list[msgspec.Raw])]


def test_debtor_is_read_with_its_people_and_addresses() -> None:
    first, second = (payloads.debtor(raw) for raw in raw_records("king_debtors.json", "Debiteuren"))

    assert first == records.Debtor(
        number="10020",
        search_code="ZORGGROEP",
        name="Stichting Zorggroep Veluwezoom",
        street="Stationsplein",
        house_number="3",
        postal_code="6811 KG",
        city="Arnhem",
        country="NLD",
        phone="0265550140",
        remark="Regel een\nRegel twee",
        contact_persons=(records.ContactPerson(number="1", name="Dhr. B. Oosting", email="b@veluwezoom.example"),),
    )
    assert second.invoice_debtor_number == "10020"
    assert second.is_blocked is True
    assert second.delivery_addresses == (
        records.DeliveryAddress(
            number="2",
            description="Ketelhuis",
            street="Lindelaan",
            house_number="14-16",
            postal_code="6712 KL",
            city="Ede",
            country="NLD",
        ),
    )


def test_order_is_read_with_its_lines() -> None:
    first, second = (payloads.order(raw) for raw in raw_records("king_orders.json", "Orders"))

    assert msgspec.structs.replace(first, lines=()) == records.Order(
        number="26000123",
        external_number="OS-2417731",
        debtor_number="10020",
        reference="Werkbon 2025.00412",
        order_date=datetime.date(2025, 11, 11),
        delivery_date=datetime.date(2025, 11, 11),
        warehouse="1",
        is_approved=True,
    )
    assert first.lines == (
        records.OrderLine(
            line_id="9001",
            position=1,
            kind="ART",
            article_number="EXP-035",
            description="Expansievat",
            quantity=Decimal("1.500"),
            delivered=Decimal(0),
            price=Decimal("84.60"),
            warehouse="1",
            reference="M1",
        ),
        records.OrderLine(line_id="9002", position=2, kind="TEKST", text="Een\ntwee", reference="T1"),
    )
    assert second == records.Order(number="26000124", external_number="OS-2417732", debtor_number="10023")


def test_article_is_read_with_its_prices_as_they_were_written() -> None:
    article = payloads.article(
        b'{"ArtikelNummer": "0815", "OmschrijvingKort": "Vat", "Omschrijving": "Een vat", "Eenheid": "ST",'
        b' "VerkoopPrijsExclBtw": 84.60, "KostPrijs": "50,125", "BtwCode": 1, "OpbrengstGroepNummer": 8000,'
        b' "AantalDecimalen": 2, "VoorraadArtikel": 1, "GeblokkeerdVoorVerkoop": 0, "EanCode": 8712345678906}'
    )

    assert article == records.Article(
        number="0815",
        short_description="Vat",
        description="Een vat",
        unit="ST",
        sales_price=Decimal("84.60"),
        cost_price=Decimal("50.125"),
        vat_code="1",
        revenue_group="8000",
        decimals=2,
        ean_code="8712345678906",
    )
    assert str(article.sales_price) == "84.60"


def test_rate_and_warehouse_are_read() -> None:
    rate = payloads.rate(b'{"TariefNummer": "MONT", "OmschrijvingKort": "Monteur", "PrijsExclBtw": 5.8e1,'
                         b' "AantalDecimalen": "2", "GeblokkeerdVoorVerkoop": true}')  # fmt: skip
    warehouse = payloads.warehouse(b'{"MagazijnCode": "001", "Omschrijving": "Ede", "IsDefault": 1}')

    assert rate == records.Rate(number="MONT", description="Monteur", price=Decimal(58), decimals=2, is_blocked=True)
    assert warehouse == records.Warehouse(number="1", description="Ede", is_default=True)


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"{}", "$.ArtikelNummer"),
        (b'{"ArtikelNummer": ""}', "$.ArtikelNummer"),
        (b'{"ArtikelNummer": "A", "KostPrijs": "geheim"}', "$.KostPrijs"),
        (b'{"ArtikelNummer": "A", "KostPrijs": "1.000,00"}', "$.KostPrijs"),
        (b'{"ArtikelNummer": "A", "KostPrijs": 1e999}', "$.KostPrijs"),
        (b'{"ArtikelNummer": "A", "KostPrijs": "eeee"}', "$.KostPrijs"),
        (b'{"ArtikelNummer": "A", "AantalDecimalen": 1.5}', "$.AantalDecimalen"),
        (b'{"ArtikelNummer": "A", "GeblokkeerdVoorVerkoop": 2}', "$.GeblokkeerdVoorVerkoop"),
        (b'{"ArtikelNummer": ["geheim"]}', "$.ArtikelNummer"),
        (b"3", "$"),
    ],
)
def test_bad_record_costs_itself_and_says_where(raw: bytes, path: str) -> None:
    with pytest.raises(errors.PayloadError) as caught:
        payloads.article(raw)

    assert caught.value.path == path
    assert caught.value.operation == "Artikelen_Opvragen"
    assert "geheim" not in str(caught.value)


def test_bad_date_in_an_order_says_where() -> None:
    with pytest.raises(errors.PayloadError) as caught:
        payloads.order(b'{"OrderNummer": 1, "OrderDatum": "11-11-2025"}')

    assert caught.value.path == "$.OrderDatum"


def test_number_is_found_in_a_record_that_cannot_be_read() -> None:
    assert payloads.number(Kind.ARTICLE, b'{"ArtikelNummer": 77, "KostPrijs": "x"}') == "77"
    assert payloads.number(Kind.WAREHOUSE, b'{"MagazijnCode": "007"}') == "7"


def test_new_order_holds_only_what_was_given() -> None:
    order = records.NewOrder(
        debtor_number="10020",
        external_number="OS-1",
        reference="Werkbon 1",
        order_date=datetime.date(2025, 11, 11),
        warehouse="001",
        pick_list=False,
    )

    assert msgspec.json.decode(payloads.encoded(payloads.new_order(order))) == {
        "DebiteurNummer": 10020,
        "ExternOrderNummer": "OS-1",
        "Referentie": "Werkbon 1",
        "OrderDatum": "2025-11-11",
        "Magazijn": 1,
        "Verzamellijst": "NIET",
    }


@pytest.mark.parametrize(("pick_list", "expected"), [(True, "WEL"), (False, "NIET"), (None, None)])
def test_pick_list_is_sent_when_it_was_chosen(pick_list: bool | None, expected: str | None) -> None:
    order = records.NewOrder(debtor_number="1", external_number="OS-1", pick_list=pick_list)

    assert payloads.new_order(order).get(names.PICK_LIST) == expected


def test_line_holds_its_numbers_exactly() -> None:
    line = records.NewLine(
        kind=LineKind.ARTICLE,
        reference="M1",
        article_number="0815",
        quantity=Decimal("-2.50"),
        price=Decimal("1E+2"),
        warehouse="2",
    )

    assert payloads.encoded(payloads.new_line(line)) == (
        b'{"RegelSoort":"ART","ExternOrderRegelNummer":"M1","ArtikelNummer":"0815","AantalBesteld":-2.50,'
        b'"Prijs":100,"Magazijn":2}'
    )


def test_text_line_holds_no_quantity() -> None:
    line = records.NewLine(kind=LineKind.TEXT, reference="T1", text="Eerste\ntweede")

    assert payloads.new_line(line) == {
        "RegelSoort": LineKind.TEXT,
        "ExternOrderRegelNummer": "T1",
        "TekstOpFactuur": "Eerste\ntweede",
    }


def test_line_change_can_empty_a_text_and_leaves_the_rest() -> None:
    assert payloads.line_change(records.LineChange(text="")) == {"TekstOpFactuur": ""}
    assert payloads.line_change(records.LineChange(quantity=Decimal(0))) == {"AantalBesteld": Decimal(0)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10020", 10020), ("0", 0), ("0815", "0815"), ("", ""), ("A1", "A1"), ("-1", "-1"), ("²", "²")],
)
def test_number_is_sent_as_a_number_only_when_nothing_is_lost(text: str, expected: str | int) -> None:
    assert payloads.number_value(text) == expected


@pytest.mark.parametrize("value", ["NaN", "Infinity"])
def test_price_that_is_no_number_is_never_sent(value: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        payloads.encoded({"Prijs": Decimal(value)})
