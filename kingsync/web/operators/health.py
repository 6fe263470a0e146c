"""Health of this deployment, for load balancers and monitors; reveals nothing that a stranger may not know."""

from __future__ import annotations

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

BROKER_SECONDS = 2.0


@require_safe
@never_cache
def health(request: HttpRequest) -> JsonResponse:  # noqa: ARG001 - Django hands it over
    """Return 200 when database and broker answer, else 503, naming the one that does not."""
    checks = {"database": _database_answers(), "broker": _broker_answers()}
    well = all(checks.values())
    words = {name: "ok" if answers else "unreachable" for name, answers in checks.items()}
    return JsonResponse({"status": "ok" if well else "error", **words}, status=200 if well else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _broker_answers() -> bool:
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL,
            socket_timeout=BROKER_SECONDS,
            socket_connect_timeout=BROKER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        ) as broker:
            return bool(broker.ping())
    except (redis.RedisError, OSError):
        return False
