"""Runs and their logs. Runs change only through `kingsync.runs.lifecycle`."""

from __future__ import annotations

import functools
from collections import Counter
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _

from kingsync.models import tenants
from kingsync.models.tenants import InAdministration, Tenant, TenantOwned

COUNTS = (
    "read",
    "created",
    "updated",
    "unchanged",
    "skipped",
    "rejected",
    "uncertain",
    "failed",
    "deactivated",
)
# Kept of a run beside its counts: which records were a new problem, and which already waited for the same repair.
NEW_PROBLEM, STILL_WAITING = "new_problem", "still_waiting"
# An import may change each of a million records: of each outcome it keeps the first ones, in one column.
KEPT_OF_AN_IMPORT = 1000


class RunKind(models.TextChoices):
    IMPORT = "import", _("import")
    EXPORT = "export", _("export")


class RunStatus(models.TextChoices):
    QUEUED = "queued", _("queued")
    RUNNING = "running", _("running")
    SUCCEEDED = "succeeded", _("succeeded")
    PARTLY = "partly", _("partly succeeded")
    FAILED = "failed", _("failed")
    CANCELLED = "cancelled", _("cancelled")


# The options of a run that is no complete one.
_NAMED_FILES = "files"
_PARTIAL = ["dry_run", "work_orders", "kinds", _NAMED_FILES]


class SyncRun(InAdministration):
    """One run of an import or export.

    `options`: {"kinds": [...], "full": bool, "dry_run": bool, "work_orders": [...], "whatever_status": bool,
    "confirmed": bool, "asks": str, "oldest": str, "before_start": int}; `cursor`
    is how far it got, in the format of its kind; `error` and `plan` are for people and `--json`.
    """

    # Options of a run that does part of the work, or none.
    WHATEVER_STATUS = "whatever_status"
    NAMED_FILES, FOUND_FILES = _NAMED_FILES, "found_files"
    # Of an export: a person knows how much it sends; and why one became a preview that asks.
    CONFIRMED, ASKS, OLDEST, BEFORE_START = "confirmed", "asks", "oldest", "before_start"
    PARTIAL: ClassVar = _PARTIAL
    # What lists leave out.
    LARGE: ClassVar = ["cursor", "dry_run_examples", "counts_by_kind", "outcomes", "listed"]
    OPEN: ClassVar = [RunStatus.QUEUED, RunStatus.RUNNING]
    FINAL: ClassVar = [RunStatus.SUCCEEDED, RunStatus.PARTLY, RunStatus.FAILED, RunStatus.CANCELLED]

    class Trigger(models.TextChoices):
        SCHEDULE = "schedule", _("schedule")
        BUTTON = "button", _("button")
        COMMAND = "command", _("command line")
        API = "api", _("API")

    # Counts the tenant's runs from 1 on; addresses and messages name a run by its key.
    number = models.PositiveIntegerField(_("number"), editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=RunKind.choices)
    status = models.CharField(_("state"), max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    trigger = models.CharField(_("started by"), max_length=10, choices=Trigger.choices)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("requested by")
    )
    settings_version = models.PositiveIntegerField(_("version of the settings"))
    options = models.JSONField(_("options"), default=dict)
    cursor = models.JSONField(_("cursor"), default=dict)
    attempt = models.PositiveIntegerField(_("attempt"), default=0)
    # Workers lost one after the other in the slice in progress: killed, out of memory, frozen.
    lost_workers = models.PositiveSmallIntegerField(_("workers lost in a row"), default=0, db_default=0)
    # A thread that shares its process met an answer too large for it: the run goes on in a process of its own.
    is_large = models.BooleanField(default=False, db_default=False, editable=False)
    cancel_requested = models.BooleanField(_("stop requested"), default=False)
    # The broker did not accept its message: the clock sends it as soon as the broker is back.
    is_unsent = models.BooleanField(_("waiting for the background service"), default=False, db_default=False)

    queued_at = models.DateTimeField(_("queued at"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True)
    heartbeat_at = models.DateTimeField(_("last heartbeat"), null=True)
    lease_until = models.DateTimeField(_("claimed until"), null=True)
    finished_at = models.DateTimeField(_("finished at"), null=True)
    # When its message was sent once more because it, or the worker, seemed lost; null again when a worker claims it.
    resent_at = models.DateTimeField(null=True, editable=False)

    read_count = models.PositiveIntegerField(_("read"), default=0)
    created_count = models.PositiveIntegerField(_("created"), default=0)
    updated_count = models.PositiveIntegerField(_("updated"), default=0)
    unchanged_count = models.PositiveIntegerField(_("unchanged"), default=0)
    skipped_count = models.PositiveIntegerField(_("skipped"), default=0)
    rejected_count = models.PositiveIntegerField(_("rejected"), default=0)
    uncertain_count = models.PositiveIntegerField(_("outcome unknown"), default=0)
    failed_count = models.PositiveIntegerField(_("failed"), default=0)
    deactivated_count = models.PositiveIntegerField(_("deactivated"), default=0)
    # Records that need attention; and those of them that did not before this run, or not for this reason.
    attention_count = models.PositiveIntegerField(_("need attention"), default=0)
    new_problems_count = models.PositiveIntegerField(_("new problems"), default=0, db_default=0)

    # The kinds that an import has not finished, in order; that of `progress_kind` was begun.
    kinds_left = models.JSONField(_("kinds not finished"), default=list, db_default=[])

    # What the page shows while it runs.
    progress_kind = models.CharField(_("working on"), max_length=20, blank=True)
    progress_done = models.PositiveIntegerField(_("done"), default=0)
    # For this kind; the number of records that the last complete scan found, if there was one.
    progress_total = models.PositiveIntegerField(_("total"), null=True)
    progress_began_at = models.DateTimeField(_("started this kind at"), null=True)
    # Counts of an import per kind: {"products": {"read": 3, ...}}.
    counts_by_kind = models.JSONField(_("counts per kind"), default=dict)
    # How a run ended each of its records, in order: of an export ["created 7001", "new_problem 7002"] with OutSmart's
    # numbers, of an import ["updated product 1001"] with King's; of what stayed the same, nothing.
    outcomes = models.JSONField(_("outcomes"), default=list)
    # What an open export read of OutSmart's list, for its later slices: {"after": progress, "work_orders": [[id, King
    # order named by it]]}. Null before it was read, and once the run is over.
    listed = models.JSONField(null=True, editable=False)
    # A dry run's examples per kind and outcome: {"products": {"updated": [{"king_id", "name", "changes"}]}}.
    dry_run_examples = models.JSONField(_("examples"), default=dict)
    # A reason of kingsync.messages.reason_texts: {"code": ..., "params": {...}}; empty when there was no error.
    error = models.JSONField(_("error"), default=dict)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind"],
                condition=models.Q(status__in=["queued", "running"]),
                name="one_open_run_per_tenant_and_kind",
            ),
            # Also the index from which the next number is taken.
            models.UniqueConstraint(fields=["tenant", "number"], name="one_number_per_run"),
        ]
        indexes = [
            # The runs page and "when did it last run": newest first per tenant and kind.
            models.Index(fields=["tenant", "kind", "-id"], name="runs_newest_first"),
            # The newest complete one that ended well, also after thousands that failed, and those that failed: the
            # operators' list of companies, which reads these indexes and no rows.
            models.Index(
                fields=["tenant", "kind", "-id"],
                name="complete_runs_that_ended_well",
                condition=models.Q(status__in=["succeeded", "partly"]) & ~models.Q(options__has_any_keys=_PARTIAL),
            ),
            models.Index(
                fields=["tenant", "kind", "-id"],
                name="complete_runs_that_failed",
                condition=models.Q(status="failed") & ~models.Q(options__has_any_keys=_PARTIAL),
            ),
            # Whether there was a preview, and which: they are few among years of runs.
            models.Index(
                fields=["tenant", "kind", "-id"],
                name="previews_newest_first",
                condition=models.Q(options__contains={"dry_run": True}),
            ),
            # For the figures of the last 30 days.
            models.Index(fields=["tenant", "finished_at"], name="runs_by_day"),
            # For removing the examples of old previews.
            models.Index(
                fields=["tenant", "finished_at"], name="runs_with_examples", condition=~models.Q(dry_run_examples={})
            ),
            # For purging runs by age.
            models.Index(fields=["finished_at"], name="runs_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save the run; a new one takes the tenant's next number, which it loses with its transaction."""
        if not self._state.adding:
            super().save(*args, **kwargs)
            return
        self.tenant_id = self.tenant_id or tenants.current_id()
        with self._own_scope(), transaction.atomic():
            self.number = _next_number(self.tenant_id)
            super().save(*args, **kwargs)

    # Django's own look all choices through for each row of a list.
    def get_status_display(self) -> str:  # type: ignore[no-redef]  # the plugin makes one too
        return str(RunStatus(self.status).label)

    def get_kind_display(self) -> str:  # type: ignore[no-redef]  # the plugin makes one too
        return str(RunKind(self.kind).label)

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def is_dry(self) -> bool:
        return bool(self.options.get("dry_run"))

    @property
    def still_waiting_count(self) -> int:
        """Records that were already waiting for the same repair before this run."""
        return max(0, self.attention_count - self.new_problems_count)

    def keep(self, outcome: str, record: str) -> bool:
        """Add a record to those that are kept, if there is room; return whether it was."""
        if self.kind == RunKind.IMPORT and self.kept_counts[outcome] >= KEPT_OF_AN_IMPORT:
            return False
        self.kept_counts[outcome] += 1
        self.outcomes.append(f"{outcome} {record}")
        return True

    @functools.cached_property
    def kept_counts(self) -> Counter[str]:
        """Count what is kept, by outcome; `keep` keeps it right."""
        return Counter(outcome for outcome, _ in self._each_kept())

    def ended(self) -> list[tuple[str, str]]:
        """Return (outcome, record) of what a run ended, in order; the record as in `outcomes`."""
        return [each for each in self._each_kept() if each[0] in COUNTS]

    def kept(self, name: str) -> list[tuple[str, str]]:
        """Return the same of one outcome, or of the records that were a problem: with how the run ended them."""
        if name in COUNTS:
            return [each for each in self.ended() if each[0] == name]
        outcomes = {record: outcome for outcome, record in self.ended()}
        return [(outcomes.get(record, ""), record) for mark, record in self._each_kept() if mark == name]

    def _each_kept(self) -> list[tuple[str, str]]:
        return [(outcome, record) for outcome, _, record in (each.partition(" ") for each in self.outcomes)]

    def counts(self) -> dict[str, int]:
        """Return the counts by the names in the product's contract."""
        return {name: getattr(self, f"{name}_count") for name in COUNTS}


def _next_number(tenant_id: int) -> int:
    """Return the number after the newest, which purging keeps; other new runs of the tenant wait for this one."""
    Tenant.objects.select_for_update(no_key=True).only("pk").get(pk=tenant_id)
    newest = SyncRun.objects.aggregate(newest=models.Max("number"))["newest"]
    return (newest or 0) + 1


class NextRun(TenantOwned):
    """When the clock looks next whether a run of a kind is to be started; never later than one is due.

    The clock's own notes: `kingsync.runs.dispatcher` writes them, and the database itself marks a row as stale when
    something changed that a run may now be due for (migration 0005).
    """

    kind = models.CharField(_("kind"), max_length=10, choices=RunKind.choices)
    # Null while none is to be started: until something changes.
    due_at = models.DateTimeField(_("due at"), null=True)
    # When the interval began, null with `due_at`; in the future where a machine's clock was set back since.
    counted_from = models.DateTimeField(_("counted from"), null=True)
    is_stale = models.BooleanField(_("to be calculated again"), default=True, db_default=True)

    class Meta:
        verbose_name = _("next run")
        verbose_name_plural = _("next runs")
        constraints = [models.UniqueConstraint(fields=["tenant", "kind"], name="one_next_run_per_kind")]
        # What the clock asks every few seconds about all tenants at once: only what it finds is in its way.
        indexes = [
            models.Index(fields=["kind", "due_at"], name="next_runs_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["id"], name="next_runs_stale", condition=models.Q(is_stale=True)),
            models.Index(
                fields=["counted_from"], name="next_runs_ahead", condition=models.Q(counted_from__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.due_at or ''}".strip()


class LogEntry(TenantOwned):
    """One event of a run, or of verification (no run). Append only; `code` and `params` are a reason's."""

    class Level(models.TextChoices):
        INFO = "info", _("information")
        WARNING = "warning", _("warning")
        ERROR = "error", _("error")

    # The most written table: its columns have no index but those below, which begin with them.
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+", verbose_name=_("company"), db_index=False)
    run = models.ForeignKey(
        SyncRun, models.CASCADE, null=True, related_name="entries", verbose_name=_("run"), db_index=False
    )
    at = models.DateTimeField(_("time"))
    level = models.CharField(_("level"), max_length=10, choices=Level.choices)
    event = models.CharField(_("event"), max_length=50)
    record_kind = models.CharField(_("kind of record"), max_length=20, blank=True)
    outsmart_id = models.CharField(_("OutSmart number"), max_length=255, blank=True)
    king_id = models.CharField(_("King number"), max_length=50, blank=True)
    code = models.CharField(_("reason"), max_length=50, blank=True)
    params = models.JSONField(_("values"), default=dict)
    # The failing call, its secrets masked, for debugging; its contents only for the tenant's `payload_days`.
    detail = models.JSONField(_("detail"), default=dict)
    has_payload = models.BooleanField(_("has contents"), default=False, db_default=False, editable=False)

    class Meta:
        verbose_name = _("log entry")
        verbose_name_plural = _("log entries")
        indexes = [
            # A run's log, newest first.
            models.Index(fields=["run", "-id"], name="log_of_a_run"),
            # The log of one record over all runs, by either system's number.
            models.Index(fields=["tenant", "outsmart_id"], name="log_of_an_outsmart_number"),
            models.Index(fields=["tenant", "king_id"], name="log_of_a_king_number", condition=~models.Q(king_id="")),
            # The log page (kingsync.web.runs.log_search) and purging: each kind of entry by time. Ascending, so that
            # pages of the index are filled to the end.
            models.Index(fields=["tenant", "event", "record_kind", "level", "at", "id"], name="log_by_event"),
            # What verification found: nothing else says how old it is.
            models.Index(fields=["tenant", "at"], name="log_of_no_run", condition=models.Q(run=None)),
            # Warnings and errors alone: e-mails ask each company for its newest.
            models.Index(fields=["tenant", "-id"], name="log_of_warnings", condition=~models.Q(level="info")),
            # For removing the contents of failed calls by age.
            models.Index(fields=["tenant", "at"], name="log_with_payloads", condition=models.Q(has_payload=True)),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.outsmart_id}".strip()

    @property
    def reason(self) -> dict[str, Any]:
        return {"code": self.code, "params": self.params}
