"""Where an import reads King from: the webservices, or XML export files.

Decided once, when a run begins, and stored with the run, so that each slice continues with the same source:

1. the files that the run was asked for (`options["files"]`);
2. a tenant whose imports read files: those that wait, and what is in the tenant's folder now;
3. a tenant whose imports read the webservices: those, unless files wait (uploaded during an import, for example).
   Then this run reads these files as if it had been asked for them, and the next one reads the webservices again. A
   file whose changes the change limit held back is read again only once approved: it does not stop the webservices.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from integrations.king.client import Client as KingClient
from integrations.king.reader import KingReader
from integrations.king.records import Kind
from integrations.king.xml.file import FileError
from integrations.king.xml.reader import XmlReader
from kingsync.imports.files import folder, store
from kingsync.messages.reason_texts import reason_of
from kingsync.models.connections import Connection, System
from kingsync.models.king_files import KingFile
from kingsync.models.runs import SyncRun
from kingsync.runs import clients

# Asked for by a user; found waiting by a run of a tenant that reads files.


class FilesOfRun(XmlReader):
    """The files that one run reads."""

    def __init__(self, run: SyncRun, files: list[KingFile], *, are_named: bool) -> None:
        super().__init__([each for each in map(store.to_read, files) if each])
        self.run = run
        self.are_named = are_named


@contextmanager
def reader_of(run: SyncRun, king: KingClient | None) -> Iterator[KingReader]:
    """Return the reader of this import; `king` is None for a tenant without webservices.

    A file that cannot be read is marked so, and its error is raised. Raises `NotConnectedError`.
    """
    if not run.cursor:
        _decide(run)
    named, found = run.options.get(run.NAMED_FILES), run.options.get(run.FOUND_FILES)
    if not named and found is None:
        if king is None:
            raise clients.not_connected(System.KING)
        yield king
        return
    reader = FilesOfRun(run, store.chosen(named or found), are_named=bool(named))
    try:
        yield reader
    except FileError as error:
        store.has_failed(error, reason_of(error), run)
        raise
    finally:
        if not run.is_dry:
            store.count(reader.counted)


def finished(reader: KingReader, kind: Kind) -> None:
    """Save that the files of this kind were imported, or keep them waiting if the change limit held them back."""
    if isinstance(reader, FilesOfRun):
        keys = [file.key for file in reader.files if file.kind is kind]
        if not store.hold_back(keys, kind, reader.run):
            store.was_read(keys, reader.run)


def wanted_by_files(reader: KingReader) -> list[str] | None:
    """Return the imports that this run's files are for, whatever is switched on; None if no files were named."""
    if not isinstance(reader, FilesOfRun) or not reader.are_named:
        return None
    kinds = {file.kind for file in reader.files}
    return [name for kind, name in store.IMPORTS.items() if kind in kinds]


def _decide(run: SyncRun) -> None:
    """Store with a run which files it reads, before its first page."""
    if run.options.get(run.NAMED_FILES) or run.FOUND_FILES in run.options:
        return
    king = Connection.objects.filter(system=System.KING).first()
    if king is not None and king.reader == Connection.Reader.FILES:
        folder.new_files()
        _keep(run, run.FOUND_FILES, store.waiting())
    elif not run.is_dry and (files := _brought(run)):
        _keep(run, run.NAMED_FILES, files)


def _brought(run: SyncRun) -> list[KingFile]:
    """Return the waiting files that the run is about."""
    asked = run.options.get("kinds")
    files = store.not_held_back(store.waiting())
    return [file for file in files if not asked or store.import_of(file) in asked]


def _keep(run: SyncRun, name: str, files: list[KingFile]) -> None:
    run.options = {**run.options, name: [file.pk for file in files]}
    SyncRun.objects.filter(pk=run.pk).update(options=run.options)
