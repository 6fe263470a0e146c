"""Runs in the search: by number, or the latest by kind and result."""

from __future__ import annotations

import re

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.text import capfirst

from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.web.search import hits
from kingsync.web.search.hits import Hit
from kingsync.web.shared import template_tags, tenant_status

AT_MOST = 4
_NUMBER = re.compile(r"#?(?P<number>[0-9]{1,18})")


def found(tenant: Tenant, text: str) -> list[Hit]:
    """Return the runs that a text names, newest first: "export 12", "#12", "failed"."""
    rows = _named(hits.words(text))
    return [] if rows is None else [_hit(tenant, run) for run in rows.order_by("-pk")[:AT_MOST]]


def _named(words: list[str]) -> QuerySet[SyncRun] | None:
    """Return the runs that have all the words; None when one of them says nothing of runs."""
    rows = tenant_status.listed_runs()
    for word in words:
        number = _NUMBER.fullmatch(word)
        kinds = [kind for kind in RunKind if _begins(str(kind.label), word)]
        states = [state for state in RunStatus if _begins(str(state.label), word)]
        if number:
            rows = rows.filter(number=int(number["number"]))
        elif kinds:
            rows = rows.filter(kind__in=kinds)
        elif states:
            rows = rows.filter(status__in=states)
        else:
            return None
    return rows if words else None


def _begins(label: str, word: str) -> bool:
    return " ".join(hits.words(label)).startswith(word)


def _hit(tenant: Tenant, run: SyncRun) -> Hit:
    return Hit(
        title=capfirst(str(run)),
        address=reverse("run", args=[tenant.slug, run.pk]),
        detail=template_tags.when(run.started_at or run.queued_at),
        state=run.get_status_display(),
        tone=template_tags.tone(run.status),
    )
