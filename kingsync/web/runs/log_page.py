"""The log of a tenant across all runs, by level, event, kind of record, number, run and time."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from kingsync.models.links import RecordKind
from kingsync.models.runs import LogEntry, SyncRun
from kingsync.models.work_orders import WorkOrder
from kingsync.runs.run_log import WORK_ORDER, Kind, about, logged_kinds
from kingsync.web.runs import left_out, log_search
from kingsync.web.shared import access, event_names, filters, paging

RECORD_KINDS = [(WORK_ORDER, _("work order")), *RecordKind.choices]
LONGEST_KEY = 18


class LogFilter(filters.FilterForm):
    level = filters.choice(_("Level"), LogEntry.Level.choices)
    record_kind = filters.choice(_("Kind of record"), RECORD_KINDS)
    number = filters.text(_("Work order or King number"))
    event = filters.choice(_("Event"), event_names.choices())
    run_number = filters.text(_("Run"), max_length=LONGEST_KEY, inputmode="numeric")
    since = filters.moment(_("From"))
    until = filters.moment(_("Up to"))

    def _narrowed(self, entries: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        """Return what is asked for, of whatever kind. Both sides of every condition lie in the open scope."""
        entries = entries.filter(**self.chosen(at__gte="since", at__lte="until"))
        return self._by_number(self._by_run(entries))

    def kinds(self) -> list[Kind]:
        """Return the kinds of entries that are asked for, of those that the company has."""
        asked = {name: str(self.value(name) or "") for name in ("event", "record_kind", "level")}
        return [kind for kind in logged_kinds() if kind.is_asked(**asked)]

    def page(self, *, before: str) -> paging.Page[LogEntry]:
        """Return a page of what is asked for."""
        if self.is_of_few:
            return log_search.page_of_few(self._narrowed(log_search.with_runs()), self.kinds(), before=before)
        return log_search.page(self.kinds(), since=self.value("since"), until=self.value("until"), before=before)

    def _by_run(self, entries: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        run = (self.value("run_number") or "").strip()
        if not run:
            return entries
        if not (run.isascii() and run.isdecimal()):
            return entries.none()
        # Its key first: the database then knows how many entries it has.
        keys = SyncRun.objects.filter(number=int(run)).values_list("pk", flat=True)
        return entries.filter(run__in=list(keys))

    def _by_number(self, entries: QuerySet[LogEntry]) -> QuerySet[LogEntry]:
        """Filter by a number of either system. A work order is also found by its own, and by each King order it had."""
        known = WorkOrder.across_administrations.all()
        return about(entries, self.asked_number, work_orders=known) if self.asked_number else entries

    @property
    def is_of_few(self) -> bool:
        """Return whether a run or a number is asked for."""
        return bool(self.asked_number or (self.value("run_number") or "").strip())

    @property
    def asked_number(self) -> str:
        return (self.value("number") or "").strip()

    @property
    def about_records(self) -> str:
        """The kind of master data that is asked for; "" for none."""
        kind = self.value("record_kind") or ""
        return kind if kind in RecordKind.values else ""


@require_safe
@access.members
def log(request: access.TenantRequest) -> HttpResponse:
    """Show the filtered log entries, newest first, each with its run."""
    if "run" in request.GET:
        return _by_number(request)
    form = LogFilter(request.GET)
    context = {
        "page": form.page(before=request.GET.get("before", "")),
        "form": form,
        "left_out": _left_out(request, form),
        "left_out_kind": form.about_records,
        "with_runs": True,
    }
    return render(request, "runs/log.html", context)


def _by_number(request: access.TenantRequest) -> HttpResponse:
    """Lead a bookmark of before runs had numbers, with the run's key, to the same log."""
    asked = request.GET.copy()
    [key] = asked.pop("run")[-1:]
    is_key = key.isascii() and key.isdecimal() and len(key) <= LONGEST_KEY
    run = SyncRun.objects.filter(pk=int(key)).only("number").first() if is_key else None
    asked["run_number"] = str(run.number) if run else "0"
    return redirect(f"{request.path}?{asked.urlencode()}")


def _left_out(request: access.TenantRequest, form: LogFilter) -> list[left_out.LeftOut]:
    """Return what was left out of what is asked for; nothing while the log is not narrowed to records."""
    if not (form.asked_number or form.about_records) or form.value("record_kind") == WORK_ORDER:
        return []
    return left_out.records(request.tenant.slug, kind=form.about_records, number=form.asked_number)
