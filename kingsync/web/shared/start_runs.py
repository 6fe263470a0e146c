"""Runs started by pages: every button comes through here."""

from __future__ import annotations

from collections.abc import Mapping

from kingsync import tasks
from kingsync.models.runs import RunKind, SyncRun
from kingsync.runs.lifecycle import Requested
from kingsync.web.shared import access


def start(request: access.TenantRequest, kind: RunKind, options: Mapping[str, object]) -> Requested:
    """Start a run on behalf of the user, or join the open one. Raises `NotWantedError`."""
    return tasks.request_run(
        tenant=request.tenant,
        kind=kind,
        trigger=SyncRun.Trigger.BUTTON,
        requested_by=request.user,
        options=dict(options),
    )
