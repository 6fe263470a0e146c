"""What a run does and did, in words."""

from __future__ import annotations

from django.contrib.admin.utils import label_for_field
from django.utils import formats, timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from kingsync.models import wording
from kingsync.models.runs import RunKind, RunStatus, SyncRun

# What a run is working on; the names are those of the tenant file and of `--kind`.
_PROGRESS_KINDS = {
    "customers": _("customers"),
    "contact_persons": _("contact persons"),
    "addresses": _("delivery addresses"),
    "products": _("products"),
    "hour_types": _("hour types"),
    "warehouses": _("warehouses"),
    "orders": _("orders"),
    "work_orders": _("work orders"),
}
_RESULTS = {
    RunStatus.SUCCEEDED: _("All went well."),
    RunStatus.PARTLY: _("Not everything went well."),
    RunStatus.FAILED: _("The run failed."),
    RunStatus.CANCELLED: _("Stopped on request."),
}


def going_on(run: SyncRun) -> str:
    """Return "running since 10:02, started by the schedule, 40 of 120"."""
    since = formats.time_format(timezone.localtime(run.started_at or run.queued_at), "H:i")
    if run.status == RunStatus.QUEUED and run.started_at is None:
        begin = gettext("waiting to begin since %(time)s") % {"time": since}
    else:
        begin = gettext("running since %(time)s") % {"time": since}
    return ", ".join(part for part in (begin, started_by(run), progress(run)) if part)


def started_by(run: SyncRun) -> str:
    if run.trigger == SyncRun.Trigger.SCHEDULE:
        return gettext("started by the schedule")
    if run.requested_by is not None:
        name = run.requested_by.get_full_name() or run.requested_by.get_username()
        return gettext("started by %(name)s") % {"name": name}
    if run.trigger == SyncRun.Trigger.COMMAND:
        return gettext("started by a command")
    return gettext("started with the button")


def progress(run: SyncRun) -> str:
    """Return "customers: 40 of 120"; "" before anything is known."""
    if run.progress_total is None and not run.progress_done:
        return ""
    if run.progress_total is None:
        amount = str(run.progress_done)
    else:
        amount = gettext("%(done)s of %(total)s") % {"done": run.progress_done, "total": run.progress_total}
    kind = _PROGRESS_KINDS.get(run.progress_kind)
    return f"{kind}: {amount}" if kind and run.kind == RunKind.IMPORT else amount


def result(run: SyncRun) -> str:
    """Return what became of a run that has ended, as one sentence or two."""
    error = wording.sentence(run.error)
    outcome = str(_RESULTS.get(RunStatus(run.status), "")) if run.status != RunStatus.FAILED or not error else error
    return f"{outcome} {counted(run)}".strip()


def counted(run: SyncRun) -> str:
    """Return "12 read, 3 created, 1 rejected": the counts that are not zero."""
    counts = run.counts()
    if not counts["read"] and not any(counts.values()):
        return gettext("There was nothing to do.") if run.status == RunStatus.SUCCEEDED else ""
    parts = [f"{number} {_label(name)}" for name, number in counts.items() if number]
    return ", ".join(parts) + "."


def labelled_counts(run: SyncRun) -> list[tuple[str, str, int]]:
    """Return (name, label, number) of every count, in the order of the contract."""
    return [(name, _label(name), number) for name, number in run.counts().items()]


def _label(name: str) -> str:
    return str(label_for_field(f"{name}_count", SyncRun))
