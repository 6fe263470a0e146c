"""`manage.py compile_texts`: compile translations from .po to .mo without GNU gettext, or check that both agree."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

try:
    from babel.messages import Catalog, Message
    from babel.messages.mofile import read_mo, write_mo
    from babel.messages.pofile import read_po
except ImportError as error:  # production needs no Babel: the compiled files are in the source
    raise CommandError("compile_texts needs Babel; run `make install` and use .venv/bin/python.") from error

Key = tuple[str, str | None]


class Command(BaseCommand):
    help = "Compile every django.po to the django.mo beside it. Entries marked fuzzy are left out."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check",
            action="store_true",
            help="write nothing; fail when a .mo is out of date or a text is untranslated, fuzzy or inconsistent",
        )

    def handle(self, *_args: Any, check: bool, **_options: Any) -> None:
        """Compile all translations, or with `check` list what is wrong and exit with 1."""
        sources = [path for folder in settings.LOCALE_PATHS for path in sorted(Path(folder).glob("*/LC_MESSAGES/*.po"))]
        if not check:
            for source in sources:
                source.with_suffix(".mo").write_bytes(_compiled(_read(source)).getvalue())
                self.stdout.write(f"compiled {source.with_suffix('.mo')}")
            return
        complaints = [complaint for source in sources for complaint in complaints_about(source)]
        if complaints:
            raise CommandError("\n".join(complaints))


def complaints_about(source: Path) -> Iterator[str]:
    """Yield one sentence for each problem in a .po file or its .mo file."""
    catalog = _read(source)
    name = f"{source.parent.parent.name}/{source.name}"
    for message in catalog:
        if not message.id:
            continue  # the header
        if message.fuzzy:
            yield f"{name}: fuzzy: {_shown(message)}"
        elif not all(_strings(message)):
            yield f"{name}: not translated: {_shown(message)}"
    for message, errors in catalog.check():
        yield from (f"{name}: {error}: {_shown(message)}" for error in errors)
    if not _is_current(source, catalog):
        yield f"{name}: the compiled file is out of date. Run: make texts"


def _read(source: Path) -> Catalog:
    with source.open("rb") as file:
        return read_po(file, locale=source.parent.parent.name)


def _compiled(catalog: Catalog) -> BytesIO:
    content = BytesIO()
    write_mo(content, catalog, use_fuzzy=False)
    content.seek(0)
    return content


def _is_current(source: Path, catalog: Catalog) -> bool:
    """Return whether the texts agree; not the bytes, since the header of a .mo names the version of the tool."""
    committed = source.with_suffix(".mo")
    return committed.exists() and _texts(BytesIO(committed.read_bytes())) == _texts(_compiled(catalog))


def _texts(compiled: BytesIO) -> dict[Key, tuple[str, ...]]:
    """Return the translations of a compiled catalog by message id (the singular one) and context."""
    return {(_shown(message), message.context): _strings(message) for message in read_mo(compiled) if message.id}


def _strings(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))


def _shown(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]
