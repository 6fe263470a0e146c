"""What each webservice of King accepts: names, types and lengths (king.md, sections 2.2 and 2.3)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from decimal import Decimal
from typing import TypeAlias

import msgspec

from sandboxes.messages import Record

Check: TypeAlias = Callable[[object], object]
LARGEST = Decimal("9999999999.999")
LONG_TEXT = 32_000


class RefusalError(Exception):
    """King refuses this record, with `FoutCode` and `FoutMelding`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Field(msgspec.Struct, frozen=True):
    """How one field is read. `check` returns the clean value or raises RefusalError with a message to be completed."""

    check: Check
    is_required: bool = False


def clean(operation: str, body: Record) -> Record:
    """Return the fields of a call as int, str or Decimal. Raises RefusalError at the first error."""
    fields = OPERATIONS[operation]
    for name in body:
        if name not in fields:
            raise RefusalError("ONBEKEND_VELD", f"Het veld {name} bestaat niet in {operation}.")
    for name, rule in fields.items():
        if rule.is_required and (body.get(name) is None or body[name] == ""):
            raise RefusalError("VERPLICHT_VELD", f"Het veld {name} is verplicht in {operation}.")
    return {name: _checked(name, fields[name], value) for name, value in body.items()}


def decimals_of(value: Decimal) -> int:
    """Return the number of decimals that matter: 2.50 has one."""
    exponent = value.normalize().as_tuple().exponent
    return max(-exponent, 0) if isinstance(exponent, int) else 0


def _checked(name: str, rule: Field, value: object) -> object:
    try:
        return rule.check(value)
    except RefusalError as refusal:
        raise RefusalError(refusal.code, f"Het veld {name} {refusal.message}.") from None


def _wrong(what: str) -> RefusalError:
    return RefusalError("ONGELDIGE_WAARDE", what)


def _text(longest: int) -> Check:
    def check(value: object) -> str:
        if not isinstance(value, str):
            raise _wrong("moet tekst zijn")
        if len(value) > longest:
            raise RefusalError("TE_LANG", f"mag hoogstens {longest} tekens bevatten")
        return value

    return check


def _record_text(longest: int) -> Check:
    """Return a check for record numbers that are text in King; they arrive as number or text."""
    as_text = _text(longest)

    def check(value: object) -> object:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return as_text(str(value) if is_number else value)

    return check


def _number(largest: int, *, smallest: int = 0) -> Check:
    """Return a check for record numbers that are numbers in King; they arrive as number or text."""

    def check(value: object) -> int:
        text = "" if isinstance(value, bool) else str(value) if isinstance(value, int | str) else ""
        if not re.fullmatch(r"[0-9]{1,10}", text) or not smallest <= int(text) <= largest:
            raise _wrong(f"moet een geheel getal van {smallest} tot en met {largest} zijn")
        return int(text)

    return check


def _decimal(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _wrong("moet een getal zijn")
    number = Decimal(value)
    if abs(number) > LARGEST:
        raise _wrong("is te groot")
    if decimals_of(number) > 3:
        raise RefusalError("DECIMALEN", "mag hoogstens 3 decimalen hebben")
    return number


def _price(value: object) -> Decimal:
    number = _decimal(value)
    if number < 0:
        raise RefusalError("NEGATIEVE_PRIJS", "mag niet negatief zijn")
    return number


def _flag(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in {0, 1}:
        raise _wrong("moet 0 of 1 zijn")
    return value


def _date(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise _wrong("moet een datum JJJJ-MM-DD zijn, zonder tijd")
    return _existing(value)


def _moment(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}", value, re.ASCII):
        raise _wrong("moet een tijdstip JJJJ-MM-DDTUU:MM:SS zijn")
    return _existing(value)


def _existing(value: str) -> str:
    try:
        datetime.datetime.fromisoformat(value)
    except ValueError:
        raise _wrong("bestaat niet op de kalender") from None
    return value


def _word(*words: str) -> Check:
    def check(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise _wrong(f"moet een van {', '.join(words)} zijn")
        return value

    return check


_ORDER_NUMBER = Field(_number(9_999_999_999, smallest=1), is_required=True)
_LINE_ID = Field(_number(9_999_999_999, smallest=1), is_required=True)
_DEBTOR = _number(9_999_999_999, smallest=1)
_THREE_DIGITS = _number(999)

_HEADER = {
    "ExternOrderNummer": Field(_text(20)),
    "Referentie": Field(_text(40)),
    "OrderDatum": Field(_date),
    "LeverDatum": Field(_date),
    "Magazijn": Field(_THREE_DIGITS),
    "ContactPersoonNummer": Field(_THREE_DIGITS),
    "VerzendAdresNummer": Field(_THREE_DIGITS),
    "DebiteurNummerFactuur": Field(_DEBTOR),
    "Opmerking": Field(_text(LONG_TEXT)),
    "Verzamellijst": Field(_word("WEL", "NIET")),
}
_LINE = {
    "ArtikelNummer": Field(_record_text(20)),
    "TekstOpFactuur": Field(_text(LONG_TEXT)),
    "AantalBesteld": Field(_decimal),
    "AantalDezeLevering": Field(_decimal),
    "AantalDezeFacturering": Field(_decimal),
    "Prijs": Field(_price),
    "Magazijn": Field(_THREE_DIGITS),
    "ExternOrderRegelNummer": Field(_text(20)),
}
_READ = {
    "VanafNummer": Field(_text(20)),
    "MaxAantal": Field(_number(1000, smallest=1)),
    "GewijzigdVanaf": Field(_moment),
}

OPERATIONS: dict[str, dict[str, Field]] = {
    "Webservice_Test": {"GeefFoutTerug": Field(_flag)},
    "Debiteuren_Opvragen": _READ,
    "Artikelen_Opvragen": _READ,
    "Tarieven_Opvragen": _READ,
    "Magazijnen_Opvragen": _READ,
    "Orders_Opvragen": {
        **_READ,
        "OrderNummer": Field(_number(9_999_999_999)),
        "ExternOrderNummer": Field(_text(20)),
    },
    "Order_Toevoegen": {"DebiteurNummer": Field(_DEBTOR, is_required=True), **_HEADER},
    "Order_Wijzigen": {
        "OrderNummer": _ORDER_NUMBER,
        "DebiteurNummer": Field(_DEBTOR),
        **_HEADER,
        "Goedgekeurd": Field(_flag),
        "VrijVoorLevering": Field(_flag),
    },
    "Order_OrderRegel_Toevoegen": {
        "OrderNummer": _ORDER_NUMBER,
        "RegelSoort": Field(_word("ART", "TAR", "TEKST"), is_required=True),
        **_LINE,
    },
    "Order_OrderRegel_Wijzigen": {"OrderNummer": _ORDER_NUMBER, "RegelID": _LINE_ID, **_LINE},
    "Order_OrderRegel_Verwijderen": {"OrderNummer": _ORDER_NUMBER, "RegelID": _LINE_ID},
    "Order_LockVrijgeven": {"OrderNummer": _ORDER_NUMBER},
}
