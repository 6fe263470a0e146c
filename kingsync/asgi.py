"""The ASGI application: the pages behind a front that reads each request before a thread handles it."""

from __future__ import annotations

from django.conf import settings

from kingsync.server.front import Front, Limits
from kingsync.server.pace import Pace
from kingsync.watch.tallies import keeper
from kingsync.web.records.upload_paths import is_upload
from kingsync.wsgi import application as pages

keeper.start()
LIMITS = Limits(
    page_threads=settings.WEB_THREADS,
    upload_threads=settings.WEB_THREADS,
    most_bytes=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    most_bytes_at_once=64 * settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
    pace=Pace(grace_seconds=settings.WEB_REQUEST_SECONDS, bytes_per_second=16 * 1024),
    linger_seconds=settings.WEB_REQUEST_SECONDS,
)

application = Front(pages, LIMITS, is_upload=is_upload)
