"""Health of this deployment, for load balancers and monitors; reveals nothing that a stranger may not know."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kingsync import __version__
from kingsync.models.heartbeats import Heartbeat
from kingsync.runs import heartbeats, schema


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:
    """Return 200 when all is well, else 503, naming what is not; `?part=web`: what pages need alone."""
    checks = {"database": _database_answers(), "broker": heartbeats.broker_answers()}
    words = {name: "ok" if answers else "unreachable" for name, answers in checks.items()}
    if checks["database"] and not _is_schema_complete():
        words["schema"] = "behind"
    if request.GET.get("part") != "web":
        words |= _signs_of_life() if checks["database"] else {}
    is_well = set(words.values()) == {"ok"}
    return JsonResponse(
        {"status": "ok" if is_well else "error", "version": __version__, **words}, status=200 if is_well else 503
    )


def _signs_of_life() -> dict[str, str]:
    try:
        silent = heartbeats.silent_parts()
    except DatabaseError:  # older than this code: `migrate` is still to come
        silent = [part.value for part in Heartbeat.PROCESSES]
    return {part.value: "silent" if part.value in silent else "ok" for part in Heartbeat.PROCESSES}


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _is_schema_complete() -> bool:
    """Return whether the database has all tables of this code; False while `migrate` is still to come."""
    try:
        return not schema.watch.missing()
    except DatabaseError:
        return False
