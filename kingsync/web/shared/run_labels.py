"""The progress and result of a run, in words."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, ngettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _

from kingsync.messages import reason_texts
from kingsync.models import import_kinds
from kingsync.models.runs import COUNTS, NEW_PROBLEM, STILL_WAITING, RunKind, RunStatus, SyncRun

_RESULTS = {
    RunStatus.SUCCEEDED: _("All went well."),
    RunStatus.PARTLY: _("Not everything went well."),
    RunStatus.FAILED: _("The run failed."),
    RunStatus.CANCELLED: _("Stopped on request."),
}

# A preview did nothing: it says what an ordinary run would do.
_WOULD: dict[str, str | Promise] = {
    "created": ngettext_lazy("would be created", "would be created", "number"),
    "updated": ngettext_lazy("would be updated", "would be updated", "number"),
    "unchanged": ngettext_lazy("would stay the same", "would stay the same", "number"),
    "skipped": ngettext_lazy("would be skipped", "would be skipped", "number"),
    "rejected": ngettext_lazy("would be rejected", "would be rejected", "number"),
    "deactivated": ngettext_lazy("would be deactivated", "would be deactivated", "number"),
}

_LABELS = {each.name.removesuffix("_count"): each.verbose_name for each in SyncRun._meta.fields}


def going_on(run: SyncRun) -> str:
    """Return "running since 10:02, started by the schedule, 40 of 120"."""
    since = formats.time_format(timezone.localtime(run.started_at or run.queued_at), "H:i")
    if run.status == RunStatus.QUEUED and run.is_unsent:
        begin = gettext("waiting for the background service; starts automatically when it is back")
    elif run.status == RunStatus.QUEUED and run.started_at is None:
        begin = gettext("queued since %(time)s") % {"time": since}
    else:
        begin = gettext("running since %(time)s") % {"time": since}
    return ", ".join(part for part in (begin, started_by(run), progress(run)) if part)


def started_by(run: SyncRun) -> str:
    if run.trigger == SyncRun.Trigger.SCHEDULE:
        return gettext("started by the schedule")
    if run.requested_by is not None:
        return gettext("started by %(name)s") % {"name": run.requested_by.display_name}
    if run.trigger == SyncRun.Trigger.COMMAND:
        return gettext("started from the command line")
    if run.trigger == SyncRun.Trigger.API:
        return gettext("started through the API")
    return gettext("started with the button")


def kind_label(kind: str) -> str:
    """Return "customers" for a kind of the tenant file, in the active language."""
    return gettext("work orders") if kind == "work_orders" else import_kinds.label_of(kind)


def progress(run: SyncRun) -> str:
    """Return "products: 40 of about 120"; "" before anything is known.

    An export knows its total; an import only how many the last complete scan found.
    """
    if run.progress_total is None and not run.progress_done:
        return ""
    kind = kind_label(run.progress_kind) if run.kind == RunKind.IMPORT and run.progress_kind else ""
    return f"{kind}: {_amount(run)}" if kind else _amount(run)


def _amount(run: SyncRun) -> str:
    if not has_total(run):
        return str(run.progress_done)
    values = {"done": run.progress_done, "total": run.progress_total}
    if run.kind == RunKind.IMPORT:
        return gettext("%(done)s of about %(total)s") % values
    return gettext("%(done)s of %(total)s") % values


def has_total(run: SyncRun) -> bool:
    """Return whether a bar can be drawn. An import that outgrew the last scan has no total any more."""
    if not run.progress_total:
        return False
    return run.kind == RunKind.EXPORT or run.progress_done <= run.progress_total


def pace(run: SyncRun) -> str:
    """Return "12 per second, about 3 minutes left" for an open run; "" while there is nothing to measure."""
    began = run.progress_began_at or run.started_at
    seconds = (timezone.now() - began).total_seconds() if began else 0.0
    if run.status != RunStatus.RUNNING or not run.progress_done or seconds < 2:
        return ""
    rate = run.progress_done / seconds
    return ", ".join(part for part in (_rate(rate), _time_left(run, rate)) if part)


def _rate(rate: float) -> str:
    if rate >= 1:
        return gettext("%(number)s per second") % {"number": round(rate)}
    return gettext("%(number)s per minute") % {"number": max(1, round(rate * 60))}


def _time_left(run: SyncRun, rate: float) -> str:
    if not has_total(run) or run.progress_total is None:
        return ""
    seconds = (run.progress_total - run.progress_done) / rate
    if seconds < 60:
        return gettext("less than a minute left")
    minutes = round(seconds / 60)
    if minutes < 120:
        return ngettext("about %(count)s minute left", "about %(count)s minutes left", minutes) % {"count": minutes}
    hours = round(minutes / 60)
    return ngettext("about %(count)s hour left", "about %(count)s hours left", hours) % {"count": hours}


def asked(run: SyncRun) -> str:
    """Return the options beyond the ordinary: "products; everything, not only changes"."""
    options = run.options
    parts = [", ".join(kind_label(kind) for kind in options.get("kinds", []))]
    if options.get("full"):
        parts.append(gettext("everything, not only changes"))
    numbers = options.get("work_orders", [])
    if numbers:
        text = ngettext("%(count)s selected work order", "%(count)s selected work orders", len(numbers))
        parts.append(text % {"count": len(numbers)})
    return "; ".join(part for part in parts if part)


def counts_by_kind(run: SyncRun) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return (kind, its counts by name) for each kind in the run, without counts that are 0 for all kinds."""
    names = [name for name in COUNTS if name == "read" or any(each.get(name) for each in run.counts_by_kind.values())]
    return [(kind, [(name, int(counts.get(name, 0))) for name in names]) for kind, counts in run.counts_by_kind.items()]


def plain(_name: str, text: str) -> str:
    """Return a number in words as it is; pages make a link of it."""
    return text


def result(run: SyncRun, shown: Callable[[str, str], str] = plain) -> str:
    """Return the result of a finished run, in one or two sentences; `shown` is asked for each number in words."""
    outcome = reason_texts.sentence(run.error) or _outcome(run)
    parts = (outcome, counted(run, shown), problems(run, shown), not_reached(run))
    return format_html_join(" ", "{}", ((part,) for part in parts if part))


def not_reached(run: SyncRun) -> str:
    """Return "12 work orders were not reached: …" for a run that stopped early; "" if it reached all."""
    if run.status not in (RunStatus.FAILED, RunStatus.CANCELLED):
        return ""
    if run.kind == RunKind.IMPORT:
        return _kinds_not_reached(run)
    return "" if run.is_dry else _work_orders_not_reached(run)


def _kinds_not_reached(run: SyncRun) -> str:
    """Return "Stopped in the middle of products. Not reached: hour types, warehouses."."""
    left = [kind_label(kind) for kind in run.kinds_left]
    parts = []
    if left and run.kinds_left[0] == run.progress_kind:
        parts.append(gettext("Stopped in the middle of %(kind)s.") % {"kind": left.pop(0)})
    if left:
        parts.append(gettext("Not reached: %(kinds)s.") % {"kinds": ", ".join(left)})
    return " ".join(parts)


def _work_orders_not_reached(run: SyncRun) -> str:
    selected = run.options.get("work_orders", [])
    total = len(selected) if selected else run.progress_total
    if total is None:
        return gettext("The work orders had not been read yet: they go along with the next export.")
    left = max(0, total - run.read_count)
    if not left:
        return ""
    if selected:
        text = ngettext(
            "%(count)s selected work order was not reached.", "%(count)s selected work orders were not reached.", left
        )
    else:
        text = ngettext(
            "%(count)s work order was not reached: it goes along with the next export.",
            "%(count)s work orders were not reached: they go along with the next export.",
            left,
        )
    return text % {"count": left}


def _outcome(run: SyncRun) -> str:
    if run.is_dry and run.status in (RunStatus.SUCCEEDED, RunStatus.PARTLY):
        return gettext("This is what would happen:")
    if run.status == RunStatus.SUCCEEDED and run.still_waiting_count:
        return gettext("No new problems.")
    return str(_RESULTS.get(RunStatus(run.status), ""))


def problems(run: SyncRun, shown: Callable[[str, str], str] = plain) -> str:
    """Return "1 new problem, 3 still waiting." for a run; "" when nothing needs attention."""
    numbers = ((NEW_PROBLEM, run.new_problems_count), (STILL_WAITING, run.still_waiting_count))
    parts = [(shown(name, _problems_in_words(name, number)),) for name, number in numbers if number]
    return format_html("{}.", format_html_join(", ", "{}", parts)) if parts else ""


def _problems_in_words(name: str, number: int) -> str:
    if name == NEW_PROBLEM:
        return ngettext("%(count)s new problem", "%(count)s new problems", number) % {"count": number}
    return ngettext("%(count)s still waiting", "%(count)s still waiting", number) % {"count": number}


def problem_label(name: str, number: int) -> str:
    """Return "new problems", beside their number."""
    if name == NEW_PROBLEM:
        return ngettext("new problem", "new problems", number)
    return gettext("still waiting")


def counted(run: SyncRun, shown: Callable[[str, str], str] = plain) -> str:
    """Return "12 read, 3 created, 1 rejected": the counts that are not zero."""
    counts = run.counts()
    if not counts["read"] and not any(counts.values()):
        return gettext("There was nothing to do.") if run.status == RunStatus.SUCCEEDED else ""
    parts = [(shown(name, f"{number} {count_label(name, run, number)}"),) for name, number in counts.items() if number]
    return format_html("{}.", format_html_join(", ", "{}", parts))


def labelled_counts(run: SyncRun) -> list[tuple[str, str, int]]:
    """Return (name, label, number) of what was read and of each non-zero count, in the order of the contract."""
    return [(name, count_label(name, run), number) for name, number in run.counts().items() if number or name == "read"]


def count_label(name: str, run: SyncRun | None = None, number: int = 1) -> str:
    """Return the label of a count, for a preview in the conditional; alone, or after its number."""
    if run is not None and run.is_dry and name in _WOULD:
        return str(_WOULD[name] % {"number": number})
    return str(_LABELS[name])
