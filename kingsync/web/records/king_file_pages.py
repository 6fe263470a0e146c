"""The page of King's XML files of a tenant: what came in, what became of them, and uploads."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from integrations.king.xml.file import FileError
from kingsync.imports.files import store as files_of_tenant
from kingsync.messages.reason_texts import reason_of, sentence, stored
from kingsync.models.connections import Connection, System
from kingsync.models.king_files import KingFile
from kingsync.models.runs import RunKind, SyncRun
from kingsync.runs.wanted import NotWantedError
from kingsync.web.records.king_uploads import (
    FILES_AT_ONCE,
    MEGABYTE,
    Limits,
    Upload,
    UploadHandler,
    no_disk,
    no_room,
    too_large,
    too_many,
    too_much,
)
from kingsync.web.shared import access, refusals, start_runs

SHOWN = 100


@csrf_exempt  # checked below, once it is known where uploads go: reading the token reads the files too
@require_http_methods(["GET", "HEAD", "POST"])
def king_files(request: HttpRequest, **rest: object) -> HttpResponse:
    """Show the files; accept uploads from editors."""
    return _page(request, **rest)


@access.members
def _page(request: access.TenantRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "records/king_files.html", _context(request))
    if not request.may_edit:
        raise PermissionDenied
    if not settings.KING_XML_FOLDER:
        return _checked(request, None)
    limits = _limits()
    problem = limits.problem_of_length(int(request.META.get("CONTENT_LENGTH") or 0))
    if problem:
        return _refused(request, problem)
    handler = UploadHandler(files_of_tenant.uploads_folder, limits)
    request.upload_handlers = [handler]
    return _checked(request, handler)


def _limits() -> Limits:
    return Limits(
        files=FILES_AT_ONCE,
        file_bytes=settings.KING_XML_MAX_MB * MEGABYTE,
        request_bytes=settings.KING_XML_REQUEST_MB * MEGABYTE,
        room_bytes=files_of_tenant.room(),
    )


def _refused(request: access.TenantRequest, problem: str) -> HttpResponse:
    messages.error(request, _("Nothing was uploaded. %(problem)s") % {"problem": problem})
    return _back(request)


@csrf_protect
def _checked(request: access.TenantRequest, handler: UploadHandler | None) -> HttpResponse:
    """Keep the uploads that are King's, report problems with the others, and import."""
    # Accessing the files reads them.
    if request.FILES is not None and handler and handler.problem:
        return _refused(request, handler.problem)
    uploads = [each for each in request.FILES.getlist("files") if isinstance(each, Upload)]
    if not uploads:
        messages.error(request, _("Choose one or more files."))
    kept = [file for upload in uploads if (file := _kept(request, upload))]
    if kept:
        _import(request, kept)
    return _back(request)


@require_POST
@access.editors
def import_waiting(request: access.TenantRequest) -> HttpResponse:
    """Start an import of all waiting files."""
    waiting = files_of_tenant.waiting()
    if waiting:
        _import(request, waiting)
    else:
        messages.info(request, _("No file is waiting."))
    return _back(request)


@require_POST
@access.editors
def remove(request: access.TenantRequest, file_id: int) -> HttpResponse:
    """Remove a file that was uploaded and not imported."""
    file = KingFile.objects.filter(pk=file_id).exclude(state=KingFile.State.READ).first()
    if file is None or not files_of_tenant.is_upload(file):
        raise Http404
    files_of_tenant.remove(file)
    messages.success(request, _("“%(name)s” was removed.") % {"name": file.name})
    return _back(request)


def _kept(request: access.TenantRequest, upload: Upload) -> KingFile | None:
    name = files_of_tenant.clean_name(upload.name or "")
    try:
        return files_of_tenant.keep(upload.path, name, by=request.user)
    except files_of_tenant.NoRoomError:
        messages.error(request, f"“{name}”: {no_room(_limits())}")
        return None
    except files_of_tenant.NoDiskError:
        messages.error(request, f"“{name}”: {no_disk()}")
        return None
    except FileError as error:
        messages.error(request, sentence(stored(reason_of(error))))
        return None


def _import(request: access.TenantRequest, files: list[KingFile]) -> None:
    try:
        requested = start_runs.start(request, RunKind.IMPORT, {SyncRun.NAMED_FILES: [file.pk for file in files]})
    except NotWantedError as error:
        messages.warning(request, refusals.message(error))
        return
    if requested.already_running:
        messages.info(request, _("An import is already in progress. The next one reads the files."))
    else:
        messages.success(request, _("The import of the files has been started."))


def _context(request: access.TenantRequest) -> dict[str, Any]:
    shown = KingFile.objects.select_related("run", "uploaded_by").order_by("-id")[:SHOWN]
    king = Connection.objects.filter(system=System.KING).first()
    return {
        "files": [(file, _may_remove(file)) for file in shown],
        "waiting_count": KingFile.objects.filter(state=KingFile.State.NEW).count(),
        "reads_files": king is not None and king.reader == Connection.Reader.FILES,
        "upload": _upload_context() if settings.KING_XML_FOLDER and request.may_edit else None,
    }


def _upload_context() -> dict[str, Any]:
    """Return the limits for display, and for the script that checks them before anything is sent."""
    limits = _limits()
    return {
        "limits": limits,
        "megabytes": {
            "each": limits.file_bytes // MEGABYTE,
            "at_once": limits.request_bytes // MEGABYTE,
            "room": max(limits.room_bytes, 0) // MEGABYTE,
        },
        "too_many": too_many(limits),
        "too_large": too_large(limits, "{name}"),
        "too_much": too_much(limits),
        "no_room": no_room(limits),
    }


def _may_remove(file: KingFile) -> bool:
    return file.state != KingFile.State.READ and files_of_tenant.is_upload(file)


def _back(request: access.TenantRequest) -> HttpResponse:
    return redirect("king_files", slug=request.tenant.slug)
