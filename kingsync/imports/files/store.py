"""King's XML files of the current tenant: which there are, what they hold, and what became of them.

They are kept below KING_XML_FOLDER in a folder per tenant: what King writes there itself, and in `uploads` what users
uploaded. Only a file given on the command line may be elsewhere: users of the command line may read there.
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
from kingsync.models.audit import trail
from kingsync.models.audit.actions import Action
from kingsync.models.change_limit_trips import ChangeLimitTrip
from kingsync.models.import_kinds import KINDS
from kingsync.models.king_files import KingFile
from kingsync.models.runs import SyncRun
from kingsync.models.tenants import Tenant
from kingsync.rules.outcomes import Reason, reason

if TYPE_CHECKING:
    from kingsync.models.users import User

UPLOADS = "uploads"
# The name prefix of a file that is still being uploaded.
INCOMING = ".incoming-"
# The import that each kind of document is for, in the order of dependency, as imports run.
IMPORTS: dict[Kind, str] = {kind.king_kind: name for name, kind in KINDS.items()}


class NoRoomError(Exception):
    """The tenant's uploads have no room for this file."""


class NoDiskError(Exception):
    """The disk is full or cannot be written."""


class NoFolderError(Exception):
    """There is no KING_XML_FOLDER in this deployment, so there is nowhere to keep files."""


# --- Paths ------------------------------------------------------------------------------------------------------------


def folder() -> Path:
    """Return the tenant's own folder; raises `NoFolderError`."""
    if not settings.KING_XML_FOLDER:
        raise NoFolderError(str(NoFolderError.__doc__))
    return folder_of(Tenant.objects.get(pk=tenants.current_id()).slug)


def folder_of(slug: str) -> Path:
    """Return the folder of the tenant with this short name, below the one of the deployment."""
    return Path(settings.KING_XML_FOLDER) / slug


def uploads_folder() -> Path:
    """Return the folder of the tenant's uploads, created if missing; raises `NoFolderError`."""
    found = folder() / UPLOADS
    found.mkdir(parents=True, exist_ok=True)
    return found


def room() -> int:
    """Return how many more bytes of uploads there is room for; raises `NoFolderError`."""
    uploads = folder() / UPLOADS
    taken = _taken(uploads.iterdir()) if uploads.is_dir() else 0
    return settings.KING_XML_TENANT_MB * 1024 * 1024 - taken


def _taken(paths: Iterable[Path]) -> int:
    """Return the total size of files; one may disappear meanwhile."""
    size = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return size


def path_of(file: KingFile) -> Path:
    """Return the path of a file: as given on the command line, else below KING_XML_FOLDER."""
    return Path(settings.KING_XML_FOLDER or "/") / file.path


def is_upload(file: KingFile) -> bool:
    parts = Path(file.path).parts
    return len(parts) > 2 and parts[-2] == UPLOADS and not Path(file.path).is_absolute()


def clean_name(name: str) -> str:
    """Return a name to show and store: the last part of whatever path it claims, without unusual characters."""
    last = re.split(r"[\\/]", name)[-1]
    return re.sub(r"[^\w .()+-]", "_", last).strip(" .")[-200:] or "king.xml"


# --- Registering files ------------------------------------------------------------------------------------------------


def register(path: Path, *, by: User | None = None) -> KingFile:
    """Register a file where it is. Raises `FileError` when it is not King's; a waiting one is not duplicated."""
    real = path.absolute()
    row = _row(str(real), real.name, real, document_of(real, real.name), by=by)
    waits = KingFile.objects.filter(state=KingFile.State.NEW, digest=row.digest, path=row.path).first()
    if not waits:
        row.save()
    return waits or row


def keep(upload: Path, name: str, *, by: User | None = None) -> KingFile:
    """Keep an uploaded file. Raises `FileError` when it is not King's, and the errors above."""
    shown = clean_name(name)
    place = uploads_folder() / f"{uuid.uuid4().hex}.xml"
    row = _row(str(place.relative_to(settings.KING_XML_FOLDER)), shown, upload, document_of(upload, shown), by=by)
    waits = [file for file in KingFile.objects.filter(state=KingFile.State.NEW, digest=row.digest) if is_upload(file)]
    if waits:
        return waits[0]
    with transaction.atomic():
        # One at a time: simultaneous uploads have seen the same room.
        Tenant.objects.select_for_update().get(pk=tenants.current_id())
        whole = (path for path in place.parent.iterdir() if not path.name.startswith(INCOMING))
        if _taken(whole) + row.size > settings.KING_XML_TENANT_MB * 1024 * 1024:
            raise NoRoomError(str(NoRoomError.__doc__))
        try:
            os.link(upload, place)
        except OSError:  # another disk, or one without hard links
            _copy(upload, place)
        row.save()
        after = {"document": row.document, "size": row.size, "digest": row.digest}
        trail.record(Action.FILE_UPLOADED, tenant=row.tenant_id, subject=row.name, after=after, by=by)
    return row


def _copy(upload: Path, place: Path) -> None:
    """Copy an upload whole or not at all. Raises `NoDiskError`."""
    try:
        shutil.copyfile(upload, place)
    except OSError:
        place.unlink(missing_ok=True)
        raise NoDiskError(str(NoDiskError.__doc__)) from None


def document_of(path: Path, name: str) -> str:
    """Return the root element of one of King's files; raises `FileError`."""
    return documents.document_of(XmlFile(key="", name=name, path=str(path)))


def _row(place: str, name: str, path: Path, document: str, *, by: User | None) -> KingFile:
    digest, size = documents.digest_of(path), path.stat().st_size
    return KingFile(name=name, path=place, size=size, digest=digest, document=document, uploaded_by=by)


# --- Waiting and finished files ---------------------------------------------------------------------------------------


def waiting() -> list[KingFile]:
    """Return the files that no import has read yet, oldest first."""
    return list(KingFile.objects.filter(state=KingFile.State.NEW).order_by("id"))


def not_held_back(files: Sequence[KingFile]) -> list[KingFile]:
    """Return the files that no change limit holds back: not held back at all, or approved since."""
    allowed = set(ChangeLimitTrip.objects.filter(state=ChangeLimitTrip.State.ALLOWED).values_list("kind", flat=True))
    return [file for file in files if not file.reason or import_of(file) in allowed]


def chosen(ids: Iterable[int]) -> list[KingFile]:
    """Return these files of the tenant, oldest first, whatever became of them before."""
    return list(KingFile.objects.filter(pk__in=list(ids)).order_by("id"))


def import_of(file: KingFile) -> str:
    """Return the import that a file is for; "" for none."""
    kind = names.DOCUMENTS.get(file.document)
    return IMPORTS[kind] if kind else ""


def to_read(file: KingFile) -> XmlFile | None:
    """Return a file in the reader's form; None for one that is no King document."""
    kind = names.DOCUMENTS.get(file.document)
    if kind is None:
        return None
    return XmlFile(key=str(file.pk), name=file.name, path=str(path_of(file)), kind=kind, digest=file.digest)


def was_read(ids: Iterable[str], run: SyncRun) -> None:
    """Save that files were imported. Uploaded content is deleted from disk then."""
    files = KingFile.objects.filter(pk__in=[int(each) for each in ids])
    for file in files:
        _drop_upload(file)
    files.update(state=KingFile.State.READ, reason={}, read_at=timezone.now(), run=run)


def hold_back(ids: Iterable[str], kind: Kind, run: SyncRun) -> bool:
    """Keep files waiting if the change limit stopped this run from writing their kind; return whether it did."""
    if not ChangeLimitTrip.objects.filter(kind=IMPORTS[kind], run=run, state__in=ChangeLimitTrip.OPEN).exists():
        return False
    KingFile.objects.filter(pk__in=[int(each) for each in ids]).update(reason=stored(reason("file_held")), run=run)
    return True


def has_failed(error: FileError, why: Reason, run: SyncRun) -> None:
    KingFile.objects.filter(pk=int(error.key)).update(state=KingFile.State.FAILED, reason=stored(why), run=run)


def count(counted: dict[str, int]) -> None:
    """Save how many records the files turned out to hold."""
    for key, records in counted.items():
        KingFile.objects.filter(pk=int(key)).update(record_count=records)


def remove(file: KingFile) -> None:
    """Delete an uploaded or registered file that no import has read, with its content if it was uploaded."""
    with transaction.atomic():
        before = {"document": file.document, "size": file.size, "digest": file.digest}
        trail.record(Action.FILE_REMOVED, tenant=file.tenant_id, subject=file.name, before=before)
        _drop_upload(file)
        file.delete()


def forget(file: KingFile) -> None:
    """Delete a file that was given for one run which did not read it to the end; not one held by the change limit."""
    KingFile.objects.filter(pk=file.pk, state=KingFile.State.NEW, reason={}).delete()


def _drop_upload(file: KingFile) -> None:
    if is_upload(file):
        path_of(file).unlink(missing_ok=True)
