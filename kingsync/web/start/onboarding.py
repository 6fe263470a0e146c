"""Onboarding: the first steps of a new tenant. Progress is derived from the data; nothing else is stored."""

from __future__ import annotations

import datetime
import functools
from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from kingsync.messages.reason_texts import sentence
from kingsync.models.connections import System
from kingsync.models.links import RecordLink
from kingsync.models.runs import RunKind, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.runs.failures import GOOD
from kingsync.web.shared.tenant_status import SystemCard
from kingsync.web.start.alerts import settings_address
from kingsync.web.start.dashboard import Dashboard
from kingsync.web.work_orders import dry_run_preview


@dataclass(frozen=True)
class Step:
    """One step: `address` leads to where it is done, `start` is the run that a button starts, or it asks for a date."""

    key: str
    title: str
    help: str
    is_done: bool
    to_do: str
    address: str = ""
    start: RunKind | None = None
    is_dry_run: bool = False
    asks_date: datetime.date | None = None
    is_next: bool = False
    # Never done, and no longer needed: a later step was.
    is_passed: bool = False


@dataclass(frozen=True)
class _Done:
    """What really happened, of what can only be seen in the data."""

    is_exported: bool

    @functools.cached_property
    def is_imported(self) -> bool:
        return _is_imported()

    @functools.cached_property
    def has_dry_run(self) -> bool:
        dry_runs = SyncRun.objects.filter(kind=RunKind.EXPORT, status__in=GOOD, options__contains={"dry_run": True})
        return dry_runs.exists()


def steps(tenant: Tenant, found: Dashboard) -> list[Step]:
    """Return the steps of the current tenant, the next one marked; none when all are done."""
    done = _done(found)
    if _is_over(found, done):
        return []
    made = [
        *(_connection(tenant, card) for card in found.systems),
        *_choices(tenant, found, done),
        *_exports(tenant, found, done),
    ]
    # Who has exported need not look at a preview first, nor import; a preview without a start date is of everything.
    passed = {"import", "preview", "start_date"} if done.is_exported else set()
    passed |= {"start_date"} if done.has_dry_run else set()
    made = [replace(step, is_passed=step.key in passed and not step.is_done) for step in made]
    upcoming = next((step for step in made if not (step.is_done or step.is_passed)), None)
    return [replace(step, is_next=step is upcoming) for step in made] if upcoming else []


def _done(found: Dashboard) -> _Done:
    exported = bool(found.days.this_month) or WorkOrder.objects.filter(exported_at__isnull=False).exists()
    return _Done(is_exported=exported)


def _is_over(found: Dashboard, done: _Done) -> bool:
    """Return whether nothing is left to do, as for most tenants: then nothing more need be looked up."""
    settings = found.status.settings
    is_set = settings is not None and settings.export_orders and settings.schedule_enabled
    return is_set and done.is_exported and all(card.has_worked for card in found.systems)


def _is_imported() -> bool:
    """Return whether an import ended well and brought something; its run may have been purged since."""
    if not RecordLink.objects.filter(state=RecordLink.State.LINKED).exists():
        return False
    imports = SyncRun.objects.filter(kind=RunKind.IMPORT).exclude(options__contains={"dry_run": True})
    return imports.filter(status__in=GOOD).exists() or not imports.exists()


def _connection(tenant: Tenant, card: SystemCard) -> Step:
    name = {"system": card.system.label}
    if card.is_missing:
        text = _needed(card.system)
        to_do = gettext("Set up the connection")
    else:
        text = gettext("%(system)s has not answered at this address yet. Press “Test connection”.") % name
        if card.problem:
            text = sentence(card.problem)
        to_do = gettext("Test the connection")
    title = gettext("Connect %(system)s") % name
    return Step(card.system, title, text, card.has_worked, to_do, settings_address(tenant, "connection"))


def _needed(system: System) -> str:
    """Return what a connection needs."""
    if system == System.OUTSMART:
        return gettext(
            "OutSmart must have an active licence for the King integration: see its License Manager. Then enter the "
            "address of OutSmart and the token from its settings."
        )
    return gettext(
        "King must have the component King Webservices, with a licence for each group of web services that is used, "
        "such as Webservices Orders. Then enter the address, the administration and the API token: the fixed access "
        "code (Toegangscode) in King under Diversen › Stamgegevens webservices."
    )


def _choices(tenant: Tenant, found: Dashboard, done: _Done) -> list[Step]:
    settings = found.status.settings
    exports = settings is not None and settings.export_orders
    return [
        _first_import(tenant, found, done),
        Step(
            "settings",
            gettext("Choose how work orders become orders"),
            gettext("Switch “Orders” on and check the work order status, the warehouse and the rounding of hours."),
            exports,
            gettext("Go to the settings"),
            settings_address(tenant, "exports"),
        ),
        Step(
            "start_date",
            gettext("Choose the start date"),
            gettext(
                "From which date on are work orders invoiced through kingsync? Work that was finished earlier is held, "
                "so that nothing is invoiced twice."
            ),
            settings is not None and settings.export_from_date is not None,
            gettext("Save the start date"),
            asks_date=timezone.localdate(),
        ),
    ]


def _first_import(tenant: Tenant, found: Dashboard, done: _Done) -> Step:
    title = gettext("First import")
    if not found.status.imports_something:
        text = gettext("Choose what to import from King: customers, products, hour types, warehouses.")
        address = settings_address(tenant, "imports")
        return Step("import", title, text, done.is_imported, gettext("Choose what to import"), address)
    text = gettext(
        "Customers, products and hour types from King are added to OutSmart, so that they can be used on work orders."
    )
    return Step("import", title, text, done.is_imported, gettext("Start the first import"), start=RunKind.IMPORT)


def _exports(tenant: Tenant, found: Dashboard, done: _Done) -> list[Step]:
    settings = found.status.settings
    scheduled = settings is not None and settings.schedule_enabled
    return [
        Step(
            "preview",
            gettext("View the preview"),
            gettext(
                "The preview reads the completed work orders and shows the orders that would result. "
                "Nothing is written."
            ),
            done.has_dry_run,
            gettext("Preview export"),
            start=RunKind.EXPORT,
            is_dry_run=True,
        ),
        _one_export(tenant, found, done),
        Step(
            "schedule",
            gettext("Synchronise automatically"),
            gettext("Switch the schedule on once the first order in King looks right."),
            scheduled,
            gettext("Go to the schedule"),
            settings_address(tenant, "schedule"),
        ),
    ]


def _one_export(tenant: Tenant, found: Dashboard, done: _Done) -> Step:
    title = gettext("Export one work order")
    ready = _first_ready(tenant) if done.has_dry_run and not done.is_exported else None
    if ready:
        number, address = ready
        text = gettext("Check work order %(number)s next to the order that would result, and export only that one.")
        return Step("export", title, text % {"number": number}, done.is_exported, gettext("View"), address)
    if found.figures.person:
        text = gettext("The work orders that were found need attention first.")
        address = f"{reverse('work_orders', args=[tenant.slug])}?state=person"
        return Step("export", title, text, done.is_exported, gettext("View"), address)
    text = gettext(
        "No work order is ready. Complete one in OutSmart with the work order status from the settings, then try again."
    )
    to_do = gettext("Preview export")
    return Step("export", title, text, done.is_exported, to_do, start=RunKind.EXPORT, is_dry_run=True)


def _first_ready(tenant: Tenant) -> tuple[str, str] | None:
    """Return the name of a work order that is ready, and its URL: its own page, or the dry run's."""
    waiting = WorkOrder.objects.filter(state=LedgerState.WAITING).defer("source").order_by("-pk").first()
    if waiting:
        return str(waiting), reverse("work_order", args=[tenant.slug, waiting.pk])
    trials = SyncRun.objects.filter(kind=RunKind.EXPORT, status__in=GOOD, options__contains={"dry_run": True})
    newest = trials.order_by("-pk").first()
    dry_run_orders = dry_run_preview.all_of(newest) if newest else []
    # One that an export has seen since waits, is done or needs attention: that is shown elsewhere.
    name = next((each.name for each in dry_run_orders if each.would_be_sent and each.row is None), None)
    return (name, reverse("run", args=[tenant.slug, newest.pk])) if newest and name else None
