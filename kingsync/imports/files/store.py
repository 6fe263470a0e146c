"""King's XML files of the open scope's tenant: which there are, what they hold, and what became of them.

They lie below KING_XML_FOLDER in a folder of the tenant's own: what King writes there itself, and in `uploads` what
people brought. Only a file named on the command line may lie elsewhere: whoever types commands may read there.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from integrations.king.records import Kind
from integrations.king.xml import documents, names
from integrations.king.xml.file import FileError, XmlFile
from kingsync.messages.reason_texts import stored
from kingsync.models import tenants
from kingsync.models.brakes import Brake
from kingsync.models.import_kinds import KINDS
from kingsync.models.king_files import KingFile
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import Tenant
from kingsync.rules.outcomes import Reason, reason

if TYPE_CHECKING:
    from kingsync.models.users import User

UPLOADS = "uploads"
# How the name of a file begins that is still coming in.
INCOMING = ".incoming-"
# The imports that each kind of document is for, in the order of dependency, as imports go.
IMPORTS: dict[Kind, str] = {kind.king_kind: name for name, kind in KINDS.items()}


class NoRoomError(Exception):
    """The tenant's uploads have no room for this file."""


class NoFolderError(Exception):
    """This deployment has no KING_XML_FOLDER, so there is nowhere to keep files."""


# --- Where files lie --------------------------------------------------------------------------------------------------


def folder() -> Path:
    """Return the tenant's own folder; raises `NoFolderError`."""
    if not settings.KING_XML_FOLDER:
        raise NoFolderError(str(NoFolderError.__doc__))
    return Path(settings.KING_XML_FOLDER) / Tenant.objects.get(pk=tenants.current_id()).slug


def uploads_folder() -> Path:
    """Return where the tenant's uploads lie, made when it is not there; raises `NoFolderError`."""
    found = folder() / UPLOADS
    found.mkdir(parents=True, exist_ok=True)
    return found


def room() -> int:
    """Return how many bytes of uploads there is room for; raises `NoFolderError`."""
    uploads = folder() / UPLOADS
    taken = _taken(uploads.iterdir()) if uploads.is_dir() else 0
    return settings.KING_XML_TENANT_MB * 1024 * 1024 - taken


def _taken(paths: Iterable[Path]) -> int:
    """Return the size of files together; one may go away meanwhile."""
    size = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def path_of(file: KingFile) -> Path:
    """Return where a file lies: as it was named on the command line, else below KING_XML_FOLDER."""
    return Path(settings.KING_XML_FOLDER or "/") / file.path


def is_upload(file: KingFile) -> bool:
    parts = Path(file.path).parts
    return len(parts) > 2 and parts[-2] == UPLOADS and not Path(file.path).is_absolute()


def clean_name(name: str) -> str:
    """Return a name to show and store: the last part of whatever path it claims, without unusual signs."""
    last = re.split(r"[\\/]", name)[-1]
    return re.sub(r"[^\w .()+-]", "_", last).strip(" .")[-200:] or "king.xml"


# --- Taking files in --------------------------------------------------------------------------------------------------


def register(path: Path, *, by: User | None = None) -> KingFile:
    """Take note of a file where it lies. Raises `FileError` when it is none of King's; a waiting one is not doubled."""
    real = path.absolute()
    row = _row(str(real), real.name, real, document_of(real, real.name), by=by)
    waits = KingFile.objects.filter(state=KingFile.State.NEW, digest=row.digest, path=row.path).first()
    return waits or _saved(row)


def keep(upload: Path, name: str, *, by: User | None = None) -> KingFile:
    """Keep an uploaded file, given where it lies now.

    Raises `FileError` when it is none of King's, `NoRoomError`, `NoFolderError`.
    """
    shown = clean_name(name)
    place = uploads_folder() / f"{uuid.uuid4().hex}.xml"
    row = _row(_relative(place), shown, upload, document_of(upload, shown), by=by)
    waits = [file for file in KingFile.objects.filter(state=KingFile.State.NEW, digest=row.digest) if is_upload(file)]
    if waits:
        return waits[0]
    with transaction.atomic():
        # One after the other: uploads at the same moment saw the same room.
        Tenant.objects.select_for_update().get(pk=tenants.current_id())
        whole = (path for path in place.parent.iterdir() if not path.name.startswith(INCOMING))
        if _taken(whole) + row.size > settings.KING_XML_TENANT_MB * 1024 * 1024:
            raise NoRoomError(str(NoRoomError.__doc__))
        try:
            os.link(upload, place)
        except OSError:  # another disk, or one that knows no links
            shutil.copyfile(upload, place)
        return _saved(row)


def document_of(path: Path, name: str) -> str:
    """Return the root element of one of King's files; raises `FileError`."""
    return documents.document_of(XmlFile(key="", name=name, path=str(path)))


def _row(place: str, name: str, path: Path, document: str, *, by: User | None) -> KingFile:
    digest, size = documents.digest_of(path), path.stat().st_size
    return KingFile(name=name, path=place, size=size, digest=digest, document=document, uploaded_by=by)


def _saved(row: KingFile) -> KingFile:
    row.save()
    return row


def _relative(path: Path) -> str:
    return str(path.relative_to(settings.KING_XML_FOLDER))


# --- What waits, and what became of it --------------------------------------------------------------------------------


def waiting() -> list[KingFile]:
    """Return the files that no import has read yet, oldest first."""
    return list(KingFile.objects.filter(state=KingFile.State.NEW).order_by("id"))


def not_held_back(files: Sequence[KingFile]) -> list[KingFile]:
    """Return the files that no brake keeps waiting: held back by none, or somebody has said yes since."""
    allowed = set(Brake.objects.filter(state=Brake.State.ALLOWED).values_list("kind", flat=True))
    return [file for file in files if not file.reason or import_of(file) in allowed]


def chosen(ids: Iterable[int]) -> list[KingFile]:
    """Return these files of the tenant, oldest first, whatever became of them before."""
    return list(KingFile.objects.filter(pk__in=list(ids)).order_by("id"))


def import_of(file: KingFile) -> str:
    """Return the import that a file is for; "" for none."""
    kind = names.DOCUMENTS.get(file.document)
    return IMPORTS[kind] if kind else ""


def to_read(file: KingFile) -> XmlFile | None:
    """Return a file as the reader takes it; None for one that is no King document."""
    kind = names.DOCUMENTS.get(file.document)
    if kind is None:
        return None
    return XmlFile(key=str(file.pk), name=file.name, path=str(path_of(file)), kind=kind, digest=file.digest)


def was_read(ids: Iterable[str], run: SyncRun) -> None:
    """Book that files were imported. What people uploaded is not kept on disk any longer than that."""
    files = KingFile.objects.filter(pk__in=[int(each) for each in ids])
    for file in files:
        _drop_upload(file)
    files.update(state=KingFile.State.READ, reason={}, read_at=timezone.now(), run=run)


def hold_back(ids: Iterable[str], kind: Kind, run: SyncRun) -> bool:
    """Let files wait where the brake stopped this run from writing their kind; True when it did."""
    if not Brake.objects.filter(kind=IMPORTS[kind], run=run, state__in=Brake.OPEN).exists():
        return False
    KingFile.objects.filter(pk__in=[int(each) for each in ids]).update(reason=stored(reason("file_held")), run=run)
    return True


def has_failed(error: FileError, why: Reason, run: SyncRun) -> None:
    KingFile.objects.filter(pk=int(error.key)).update(state=KingFile.State.FAILED, reason=stored(why), run=run)


def count(counted: dict[str, int]) -> None:
    """Store how many records files turned out to hold."""
    for key, records in counted.items():
        KingFile.objects.filter(pk=int(key)).update(record_count=records)


def remove(file: KingFile) -> None:
    """Forget a file that people brought and no import has read, with its content where it was uploaded."""
    _drop_upload(file)
    file.delete()


def forget(file: KingFile) -> None:
    """Forget a file that was named for one run which did not get to its end; not one that the brake holds back."""
    KingFile.objects.filter(pk=file.pk, state=KingFile.State.NEW, reason={}).delete()


def _drop_upload(file: KingFile) -> None:
    if is_upload(file):
        path_of(file).unlink(missing_ok=True)
