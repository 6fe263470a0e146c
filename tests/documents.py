"""The tables of docs/tenant-file.md, made from the code: `make docs` writes them, the gate compares them.

Those of the other documents are in `tests/catalogues.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import django
import msgspec

from tests import catalogues

DOCUMENT = Path(__file__).parents[1] / "docs" / "tenant-file.md"
EXAMPLE = DOCUMENT.with_name("example-tenant.json")
LANGUAGES = ("en", "nl")
HEADS = {
    "en": ("Path", "Default", "Values", "Meaning"),
    "nl": ("Pad", "Standaard", "Waarden", "Betekenis"),
}
REQUIRED = {"en": "required", "nl": "verplicht"}
# Kind of limit → how it reads in English and in Dutch.
WORDS = {
    "characters": ("at most {0} characters", "maximaal {0} tekens"),
    "entries": ("a list of at most {0}", "een lijst van maximaal {0}"),
    "any": ("a list of", "een lijst van"),
    "each": ("each at most {0} characters", "elk maximaal {0} tekens"),
    "codes": ("operation → code, at most {0}", "operatie → code, maximaal {0}"),
    "slug": ("`a-z`, `0-9` and `-`; ", "`a-z`, `0-9` en `-`; "),
    "range": ("{0} to {1}", "{0} tot en met {1}"),
    "date": ("`YYYY-MM-DD`", "`JJJJ-MM-DD`"),
    "none": ("or `null`", "of `null`"),
}
# Keys whose meaning in the file is not the help of their field on the settings page.
MEANINGS = {
    "slug": ("Short name in addresses and commands.", "Korte naam in adressen en opdrachten."),
    "licence.active": (
        "The operator's: `false` and nothing is imported or exported, no matter who asks; nothing is deleted.",
        "Van de beheerder: met `false` wordt er niets geïmporteerd of geëxporteerd, wie er ook om vraagt; er wordt "
        "niets verwijderd.",
    ),
    "licence.until": (
        "The operator's: the last day of the licence; `null` is no end.",
        "Van de beheerder: de laatste dag van de licentie; `null` is zonder einde.",
    ),
    "outsmart.base_url": (
        "Address of OutSmart's API, https only: `https://app.out-smart.com/openapi/8`.",
        "Adres van de API van OutSmart, alleen https: `https://app.out-smart.com/openapi/8`.",
    ),
    "outsmart.software_token": (
        "Only if OutSmart gave you your own; otherwise `OUTSMART_SOFTWARE_TOKEN` is used, at the hosts of "
        "`OUTSMART_HOSTS`.",
        "Alleen als u van OutSmart een eigen token kreeg; anders wordt `OUTSMART_SOFTWARE_TOKEN` gebruikt, bij de "
        "hosts van `OUTSMART_HOSTS`.",
    ),
    "king.access_codes": (
        "Other codes for individual operations: `{\"Order_Toevoegen\": \"…\"}`.",
        "Andere codes voor afzonderlijke operaties: `{\"Order_Toevoegen\": \"…\"}`.",
    ),
    "king.verify_tls": ("Check King's certificate.", "Controleer het certificaat van King."),
    "king.ca_certificate": (
        "Your own certificate authority as PEM.", "Uw eigen certificaatautoriteit, als PEM.",
    ),
    "king.busy_codes": (
        "King's error codes for “someone has the record open”.",
        "Foutcodes van King voor “iemand heeft het gegeven open”.",
    ),
    "king.sql_timeout": (
        "Seconds for King's database, sent as `SQL-TIMEOUT`; `null` leaves it to King.",
        "Seconden voor de database van King, verstuurd als `SQL-TIMEOUT`; met `null` bepaalt King het.",
    ),
    "king.reader": (
        "Where imports read from: King's web services, or its XML export files. Exports always use the web services.",
        "Waaruit de import leest: de webservices van King of de XML-exportbestanden. De export gebruikt altijd de "
        "webservices.",
    ),
    "exports.extra_text_lines": (
        "Extra text lines of the order, with tags; an empty line is left out.",
        "Extra tekstregels van de order, met tags; een lege regel blijft weg.",
    ),
    "imports.products.revenue_groups": (
        "Only articles of these revenue groups of King. Empty: all.",
        "Alleen artikelen van deze omzetgroepen in King. Leeg: alle.",
    ),
    "notifications.emails": ("Where the e-mails go.", "Waar de e-mails naartoe gaan."),
}  # fmt: skip


def write() -> None:
    DOCUMENT.write_text(written(DOCUMENT.read_text()))
    catalogues.write()


def written(document: str) -> str:
    """Return the document with the text between its markers replaced by what the code says now."""
    return catalogues.replaced(document, parts())


def parts() -> dict[str, str]:
    """Return the text for each marker, by the marker's name."""
    from kingsync.rules import texts  # noqa: PLC0415 - after Django's setup

    tags = [f"`{tag}`" for tag in (*texts.FIELDS, *texts.TOTALS)]
    tags += [f"`{texts.FREE_FIELDS[0]}` … `{texts.FREE_FIELDS[-1]}`"]
    return {f"keys {language}": table(language) for language in LANGUAGES} | {
        f"tags {language}": ", ".join(tags) + "\n" for language in LANGUAGES
    }


def table(language: str) -> str:
    from kingsync.tenant_file import TenantFile  # noqa: PLC0415 - after Django's setup

    rows = [HEADS[language], ("---",) * 4, *_rows(TenantFile, language)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _rows(section: type[msgspec.Struct], language: str, above: str = "") -> Iterator[Sequence[str]]:
    """Yield one row for each key of a section and of the sections below it."""
    found = msgspec.inspect.type_info(section)
    assert isinstance(found, msgspec.inspect.StructType)
    for field in found.fields:
        path = f"{above}{field.encode_name}"
        if isinstance(field.type, msgspec.inspect.StructType):
            yield from _rows(field.type.cls, language, f"{path}.")
        else:
            yield f"`{path}`", _default(field, language), values_of(field.type, language), meaning(path, language)


def _default(field: msgspec.inspect.Field, language: str) -> str:
    if field.required:
        return REQUIRED[language]
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    return f"`{json.dumps(default, ensure_ascii=False)}`"


def _as_labels(name: str, language: str, *values: object) -> str:
    return WORDS[name][LANGUAGES.index(language)].format(*values)


def values_of(found: msgspec.inspect.Type, language: str) -> str:
    """Return what a key accepts, with its limit."""
    if isinstance(found, msgspec.inspect.UnionType):
        inner = [each for each in found.types if not isinstance(each, msgspec.inspect.NoneType)]
        return f"{values_of(inner[0], language)} {_as_labels('none', language)}"
    if isinstance(found, msgspec.inspect.BoolType | msgspec.inspect.LiteralType):
        values = found.values if isinstance(found, msgspec.inspect.LiteralType) else (True, False)
        return ", ".join(f"`{json.dumps(value)}`" for value in values)
    if isinstance(found, msgspec.inspect.DateType):
        return _as_labels("date", language)
    if isinstance(found, msgspec.inspect.IntType):
        return _as_labels("range", language, found.ge, found.le)
    if isinstance(found, msgspec.inspect.StrType):
        form = _as_labels("slug", language) if found.pattern else ""
        return form + _as_labels("characters", language, found.max_length)
    return _many(found, language)


def _many(found: msgspec.inspect.Type, language: str) -> str:
    if isinstance(found, msgspec.inspect.DictType):
        name, inner = "codes", found.value_type
    else:
        assert isinstance(found, msgspec.inspect.VarTupleType)
        name, inner = "entries", found.item_type
    if isinstance(inner, msgspec.inspect.LiteralType):
        return f"{_as_labels('any', language)} {values_of(inner, language)}"
    assert isinstance(inner, msgspec.inspect.StrType)
    assert isinstance(found, msgspec.inspect.DictType | msgspec.inspect.VarTupleType)
    return f"{_as_labels(name, language, found.max_length)}, {_as_labels('each', language, inner.max_length)}"


def meaning(path: str, language: str) -> str:
    """Return what a key means: the help of the settings page, where the file has no text of its own."""
    from django.utils import translation  # noqa: PLC0415 - after Django's setup

    if path in MEANINGS:
        return MEANINGS[path][LANGUAGES.index(language)]
    with translation.override(language):
        return str(_help(path))


def _help(path: str) -> Any:
    from kingsync.models.sync_settings import COLUMNS  # noqa: PLC0415 - after Django's setup
    from kingsync.web.settings import connection_forms, settings_company, settings_form  # noqa: PLC0415

    parts = tuple(path.split("."))
    if parts in COLUMNS:
        return settings_form.HELP[COLUMNS[parts]]
    if len(parts) == 1:
        return settings_company.CompanyForm.Meta.help_texts[parts[0]]
    form = {"outsmart": connection_forms.OutSmartForm, "king": connection_forms.KingForm}[parts[0]]
    return form.base_fields[parts[1]].help_text


if __name__ == "__main__":
    django.setup()
    write()
