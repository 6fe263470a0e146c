"""King's XML files of a tenant: which came in, what became of them, and bringing new ones."""

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

from integrations.king.xml_errors import FileError
from kingsync.models.connections import Connection, System
from kingsync.models.king_files import KingFile
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.wording import reason_of, sentence, stored
from kingsync.runs import king_files as files_of_tenant
from kingsync.runs.wanted import NotWantedError
from kingsync.web import access, refusals, starting
from kingsync.web.king_uploads import Upload, UploadHandler

SHOWN = 100
MEGABYTE = 1024 * 1024


@csrf_exempt  # checked below, once it is known where the uploaded files go: reading the token reads the files too
@require_http_methods(["GET", "HEAD", "POST"])
def king_files(request: HttpRequest, **rest: object) -> HttpResponse:
    """Show the files; take new ones of somebody who may change things."""
    return _page(request, **rest)


@access.members
def _page(request: access.TenantRequest) -> HttpResponse:
    if request.method != "POST":
        return render(request, "king_files.html", _context())
    if not request.may_edit:
        raise PermissionDenied
    if settings.KING_XML_FOLDER:
        most = settings.KING_XML_MAX_MB * MEGABYTE
        request.upload_handlers = [UploadHandler(files_of_tenant.uploads_folder, most_bytes=most)]
    return _checked(request)


@csrf_protect
def _checked(request: access.TenantRequest) -> HttpResponse:
    """Keep the uploads that are King's, say what is wrong with the others, and import."""
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
    """Start an import of every file that waits."""
    waiting = files_of_tenant.waiting()
    if waiting:
        _import(request, waiting)
    else:
        messages.info(request, _("No file waits."))
    return _back(request)


@require_POST
@access.editors
def remove(request: access.TenantRequest, file_id: int) -> HttpResponse:
    """Forget a file that was uploaded and not imported."""
    file = KingFile.objects.filter(pk=file_id).exclude(state=KingFile.State.READ).first()
    if file is None or not files_of_tenant.is_upload(file):
        raise Http404
    files_of_tenant.remove(file)
    messages.success(request, _("“%(name)s” was removed.") % {"name": file.name})
    return _back(request)


def _kept(request: access.TenantRequest, upload: Upload) -> KingFile | None:
    name = files_of_tenant.clean_name(upload.name or "")
    if upload.is_too_large:
        told = _("“%(name)s” is larger than %(most)s MB. Let King export a smaller selection.")
        messages.error(request, told % {"name": name, "most": settings.KING_XML_MAX_MB})
        return None
    try:
        return files_of_tenant.keep(upload.path, name, by=request.user)
    except FileError as error:
        messages.error(request, sentence(stored(reason_of(error))))
        return None


def _import(request: access.TenantRequest, files: list[KingFile]) -> None:
    try:
        requested = starting.start(request, RunKind.IMPORT, {SyncRun.NAMED_FILES: [file.pk for file in files]})
    except NotWantedError as error:
        messages.warning(request, refusals.words(error))
        return
    if requested.joined:
        messages.info(request, _("An import is going on already. The next one reads the files."))
    else:
        messages.success(request, _("The import of the files has been started."))


def _context() -> dict[str, Any]:
    shown = KingFile.objects.select_related("run", "uploaded_by").order_by("-id")[:SHOWN]
    king = Connection.objects.filter(system=System.KING).first()
    return {
        "files": [(file, _may_remove(file)) for file in shown],
        "waiting_count": KingFile.objects.filter(state=KingFile.State.NEW).count(),
        "reads_files": king is not None and king.reader == Connection.Reader.FILES,
        "has_folder": bool(settings.KING_XML_FOLDER),
        "most_megabytes": settings.KING_XML_MAX_MB,
    }


def _may_remove(file: KingFile) -> bool:
    return file.state != KingFile.State.READ and files_of_tenant.is_upload(file)


def _back(request: access.TenantRequest) -> HttpResponse:
    return redirect("king_files", slug=request.tenant.slug)
