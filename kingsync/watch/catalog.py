"""Every metric: its name, kind, labels and meaning. `/metrics`, the documents and their tests are made from it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from integrations.calls import BUG
from integrations.errors import REASONS

Kind = Literal["counter", "gauge", "histogram"]
OK = "ok"
OUTCOMES = (OK, *REASONS, BUG)


@dataclass(frozen=True)
class Metric:
    """One metric; `name` is as Prometheus writes it. `always`: series that are shown before anything happened."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    always: tuple[tuple[str, ...], ...] = field(default=(), repr=False)

    @property
    def samples(self) -> tuple[str, ...]:
        """Return the names under which its values appear."""
        return tuple(f"{self.name}_{end}" for end in ("bucket", "sum", "count")) if self.bounds else (self.name,)


RUN_KINDS = ("import", "export")
RUN_ENDS = ("succeeded", "partly", "failed", "cancelled")
MODES = ("write", "dry")
AGES: dict[str, float] = {"1h": 3600.0, "6h": 21600.0, "1d": 86400.0, "7d": 604800.0}
OLDER, NEVER = "older", "never"

# --- Counted by the processes, added up in the database (`kingsync.watch.tallies`) ------------------------------------

RUNS = Metric(
    "kingsync_runs_total",
    "counter",
    "Runs that ended, by kind, outcome and mode (`dry`: dry runs).",
    ("kind", "outcome", "mode"),
    always=tuple(itertools.product(RUN_KINDS, RUN_ENDS, MODES)),
)
RUN_SECONDS = Metric(
    "kingsync_run_seconds",
    "histogram",
    "From the start of a run to its end, waits between its slices included.",
    ("kind", "mode"),
    (1, 5, 15, 60, 300, 900, 3600, 14400, 86400),
)
RECORDS = Metric(
    "kingsync_records_total",
    "counter",
    "Records that runs counted, by kind of run and the counts of the run's page, dry runs apart.",
    ("kind", "outcome", "mode"),
)
CALLS = Metric(
    "kingsync_calls_total",
    "counter",
    "Calls to OutSmart and King, each try by itself. `outcome`: `ok`, or why not (`timeout`, `authentication`, …).",
    ("system", "operation", "outcome"),
)
CALL_SECONDS = Metric(
    "kingsync_call_seconds",
    "histogram",
    "How long a call took, whatever its outcome; waiting for a turn at King not included.",
    ("system", "operation"),
    (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
PAGES = Metric(
    "kingsync_page_requests_total",
    "counter",
    "Requests of pages, by view and HTTP status; `none` is an address that no page has. Without `/health`, `/metrics` "
    "and static files.",
    ("view", "status"),
)
PAGE_SECONDS = Metric(
    "kingsync_page_seconds",
    "histogram",
    "How long a page took to be made.",
    ("view",),
    (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
COUNTED = (RUNS, RUN_SECONDS, RECORDS, CALLS, CALL_SECONDS, PAGES, PAGE_SECONDS)

# --- Asked when Prometheus asks (`kingsync.web.watch`) ----------------------------------------------------------------

UP = Metric(
    "kingsync_up", "gauge", "1 where `database` and `broker` answer the questions of this page, else 0.", ("part",)
)
COLLECT_SECONDS = Metric("kingsync_collect_seconds", "gauge", "How long it took to find what follows.")
OPEN_RUNS = Metric("kingsync_open_runs", "gauge", "Runs that are queued or running.", ("kind", "state"))
OLDEST_OPEN_RUN = Metric(
    "kingsync_oldest_open_run_seconds", "gauge", "Since when the oldest of them was asked for.", ("kind", "state")
)
WORK_ORDERS = Metric(
    "kingsync_work_orders",
    "gauge",
    "Work orders of all companies by state, of their present administrations; `done` and `excluded` of every "
    "administration, recounted every ten minutes.",
    ("state",),
)
OLDEST_WORK_ORDER = Metric(
    "kingsync_oldest_work_order_seconds",
    "gauge",
    "How long the oldest work order has been in a state that is not the last one.",
    ("state",),
)
LAST_GOOD = Metric(
    "kingsync_companies",
    "gauge",
    "Companies by the age of their last complete run that ended well (at most `1h`, `6h`, `1d`, `7d`; `older`, "
    "`never`). `class`: `scheduled` with a licence and the schedule on, else `other`.",
    ("kind", "class", "last_good_run"),
)
OLDEST_GOOD = Metric(
    "kingsync_oldest_good_run_seconds",
    "gauge",
    "The greatest of these ages; companies without any good run are not in it.",
    ("kind", "class"),
)
COMPANY_GOOD = Metric(
    "kingsync_company_last_good_run_seconds",
    "gauge",
    "The same age for each company, only with `METRICS_COMPANIES=on`.",
    ("company", "kind"),
)
HEARTBEAT = Metric(
    "kingsync_heartbeat_age_seconds",
    "gauge",
    "Since the last heartbeat of a part: `clock`, `exports`, `imports` (workers), `broker` (as the clock sees it).",
    ("part",),
)
CONNECTIONS = Metric(
    "kingsync_connections",
    "gauge",
    "Connections of companies: `ok`, `failing` at the last call, or `paused` until someone acts.",
    ("system", "state"),
)
SILENCES = Metric(
    "kingsync_silences",
    "gauge",
    "Companies that are silent now, and were reported: `nothing_ran`, `no_export`.",
    ("kind",),
)
UNSENT_MAILS = Metric(
    "kingsync_companies_with_unsent_mail", "gauge", "Companies whose newest notification the mail server refused."
)
APPROVALS = Metric("kingsync_approvals_waiting", "gauge", "Imports beyond a safety limit that wait for an approval.")
QUEUE = Metric("kingsync_queue_messages", "gauge", "Messages in a queue of the broker.", ("queue",))
QUEUE_AGE = Metric(
    "kingsync_queue_oldest_seconds",
    "gauge",
    "How long the oldest message has been in a queue; 0 when empty.",
    ("queue",),
)
ASKED = (
    UP, COLLECT_SECONDS, OPEN_RUNS, OLDEST_OPEN_RUN, WORK_ORDERS, OLDEST_WORK_ORDER, LAST_GOOD, OLDEST_GOOD,
    COMPANY_GOOD, HEARTBEAT, CONNECTIONS, SILENCES, UNSENT_MAILS, APPROVALS, QUEUE, QUEUE_AGE,
)  # fmt: skip

ALL: Sequence[Metric] = (*COUNTED, *ASKED)
