"""King's XML files of one tenant: which there are, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from integrations.king import xml_names
from integrations.king.xml_files import XmlFile
from kingsync.models.king_files import KingFile
from kingsync.models.runs import SyncRun
from kingsync.models.wording import stored
from kingsync.rules.outcomes import Reason


def waiting() -> list[KingFile]:
    """Return the files that no import has read yet, oldest first."""
    return list(KingFile.objects.filter(state=KingFile.State.NEW).order_by("id"))


def chosen(ids: Iterable[int]) -> list[KingFile]:
    """Return these files of the tenant, oldest first, whatever became of them before."""
    return list(KingFile.objects.filter(pk__in=list(ids)).order_by("id"))


def to_read(file: KingFile) -> XmlFile | None:
    """Return a file as the reader takes it; None for one that is no King document."""
    kind = xml_names.DOCUMENTS.get(file.document)
    if kind is None:
        return None
    return XmlFile(key=str(file.pk), name=file.name, path=str(path_of(file)), kind=kind, digest=file.digest)


def path_of(file: KingFile) -> Path:
    """Return where a file lies: as it was named on the command line, else below KING_XML_FOLDER."""
    return Path(settings.KING_XML_FOLDER or "/") / file.path


def was_read(ids: Iterable[str], run: SyncRun) -> None:
    KingFile.objects.filter(pk__in=[int(each) for each in ids]).update(
        state=KingFile.State.READ, reason={}, read_at=timezone.now(), run=run
    )


def has_failed(key: str, why: Reason, run: SyncRun) -> None:
    KingFile.objects.filter(pk=int(key)).update(state=KingFile.State.FAILED, reason=stored(why), run=run)


def count(counted: dict[str, int]) -> None:
    """Store how many records files turned out to hold."""
    for key, records in counted.items():
        KingFile.objects.filter(pk=int(key)).update(record_count=records)
