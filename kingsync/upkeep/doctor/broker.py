"""The broker: whether it answers, takes messages, and keeps those that it took."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from django.conf import settings

from kingsync.upkeep.doctor.checks import Finding, ok, warning, wrong

SECONDS = 2.0
OLDEST = (7, 0)
KEEPS_ALL = "noeviction"


def broker() -> list[Finding]:
    import redis  # noqa: PLC0415 - see `kingsync.runs.queues.asked_once`

    try:
        about = _about()
    except redis.AuthenticationError:
        return [wrong("refuses our password", "Compare the one in REDIS_URL with the broker's. Runs wait meanwhile.")]
    except (redis.RedisError, OSError):
        todo = "Start Redis or Valkey, and compare its address with REDIS_URL. Runs wait meanwhile."
        return [wrong("does not answer", todo)]
    return list(problems(about)) or [ok("answers" + (f"; version {version}" if (version := _version(about)) else ""))]


def _about() -> Mapping[str, object]:
    """Return what the broker tells of itself: nothing where our login may not ask. Raises `RedisError`, `OSError`."""
    import redis  # noqa: PLC0415
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    limits = {"socket_connect_timeout": SECONDS, "socket_timeout": SECONDS}
    with redis.Redis.from_url(settings.REDIS_URL, **limits, retry=Retry(NoBackoff(), 0)) as session:
        session.ping()
        try:
            told: Mapping[str, object] = session.info()
        except redis.ResponseError:
            return {}
    return told


def problems(about: Mapping[str, object]) -> Iterator[Finding]:
    """Name what refuses messages though a ping is answered, and what loses them."""
    if about.get("role", "master") != "master":
        yield wrong("is a replica, which takes no messages", "Let REDIS_URL name the primary.")
    if about.get("rdb_last_bgsave_status", "ok") != "ok":
        todo = "Make space on its disk and look at its log: with stop-writes-on-bgsave-error it takes no messages."
        yield wrong("could not save its data", todo)
    yield from _of_memory(about)
    version = re.match(r"(\d+)\.(\d+)", _version(about))
    if version and (int(version[1]), int(version[2])) < OLDEST:
        yield wrong(f"is too old: {_version(about)}", "Take Redis 7.0 or later, or Valkey.")


def _of_memory(about: Mapping[str, object]) -> Iterator[Finding]:
    most, used = (_number(about.get(name)) for name in ("maxmemory", "used_memory"))
    policy = str(about.get("maxmemory_policy", KEEPS_ALL))
    if policy != KEEPS_ALL:
        todo = "Set maxmemory-policy to noeviction: a lost message makes its run wait until the clock sends another."
        yield warning(f"throws messages away when its memory is full ({policy})", todo)
    elif most and used >= most:
        yield wrong("has no memory left, so it takes no messages", "Raise maxmemory, or see what else is stored in it.")


def _version(about: Mapping[str, object]) -> str:
    return str(about.get("valkey_version") or about.get("redis_version") or "")


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
