"""Start a run for a caller that may repeat its request: the same key gives the same run, however often it comes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from kingsync import tasks
from kingsync.api.errors import ApiError
from kingsync.messages.reason_texts import sentence, stored
from kingsync.models.api.tokens import KEY_COUNTS_FOR, ApiStart, ApiToken, hash_of
from kingsync.models.runs import RunKind, SyncRun
from kingsync.runs.wanted import NotWantedError


@dataclass(frozen=True)
class Started:
    """`is_new`: by this very request. `joined`: another request had started it."""

    run: SyncRun
    is_new: bool
    joined: bool


def start(token: ApiToken, kind: RunKind, options: dict[str, object], *, key: str) -> Started:
    """Start a run, or return the one that this key started within a day. Raises `ApiError`; the key is free then."""
    fingerprint = hash_of(json.dumps([kind.value, options], sort_keys=True))
    with transaction.atomic():
        row, is_new = _row(token, hash_of(key), fingerprint)
        if not is_new:
            return _repeated(row, fingerprint)
        started = _requested(token, kind, options)
        row.run = started.run
        row.save(update_fields=["run"])
    return started


def _row(token: ApiToken, key_hash: str, fingerprint: str) -> tuple[ApiStart, bool]:
    """Return the row of a key and True if it is ours; a request with the same key waits here for the other one."""
    mine = ApiStart.objects.filter(token=token, key_hash=key_hash)
    mine.filter(created_at__lt=timezone.now() - KEY_COUNTS_FOR).delete()
    return ApiStart.objects.get_or_create(
        token=token, key_hash=key_hash, defaults={"tenant": token.tenant, "fingerprint": fingerprint}
    )


def _repeated(row: ApiStart, fingerprint: str) -> Started:
    if row.fingerprint != fingerprint:
        raise ApiError(422, "key_reused", _("This Idempotency-Key was used for another request. Use a new one."))
    if row.run is None:  # pragma: no cover - stored with the row, in one transaction
        raise ApiError(409, "not_found", _("There is nothing at this address."))
    return Started(row.run, is_new=False, joined=False)


def _requested(token: ApiToken, kind: RunKind, options: dict[str, object]) -> Started:
    try:
        requested = tasks.request_run(tenant=token.tenant, kind=kind, trigger=SyncRun.Trigger.API, options=options)
    except NotWantedError as error:
        raise ApiError(409, error.why.code, sentence(stored(error.why))) from None
    if requested.already_running and not requested.covers(options):
        message = _("Another run of this kind is in progress. Your request is not part of it; repeat it afterwards.")
        raise ApiError(409, "other_run_in_progress", message, run=requested.run.pk)
    return Started(requested.run, is_new=not requested.already_running, joined=requested.already_running)
