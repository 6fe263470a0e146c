"""What a new tenant does first, step by step. What is done shows in the data; nothing else is remembered."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.urls import reverse
from django.utils.translation import gettext

from kingsync.models.links import RecordLink
from kingsync.models.runs import RunKind, RunStatus, SyncRun
from kingsync.models.tenants import Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.web import foreseen
from kingsync.web.overview import Overview
from kingsync.web.standing import SystemCard

WENT_WELL = (RunStatus.SUCCEEDED, RunStatus.PARTLY)


@dataclass(frozen=True)
class Step:
    """One step: either `address` leads to where it is done, or `start` is the run that a button starts."""

    key: str
    title: str
    help: str
    is_done: bool
    to_do: str
    address: str = ""
    start: RunKind | None = None
    is_trial: bool = False
    is_next: bool = False


@dataclass(frozen=True)
class _Done:
    """What of it all was done: each of the last steps tells that those before it are over."""

    is_imported: bool
    is_tried: bool
    is_exported: bool


def steps(tenant: Tenant, found: Overview) -> list[Step]:
    """Return the steps of the tenant whose scope is open, the next one marked; none when all is done."""
    done = _done(found)
    made = [*_connections(tenant, found), *_choices(tenant, found, done), *_exports(tenant, found, done)]
    upcoming = next((step for step in made if not step.is_done), None)
    return [replace(step, is_next=step is upcoming) for step in made] if upcoming else []


def _done(found: Overview) -> _Done:
    if found.days.this_month or WorkOrder.objects.filter(exported_at__isnull=False).exists():
        return _Done(is_imported=True, is_tried=True, is_exported=True)
    went_well = SyncRun.objects.filter(status__in=WENT_WELL)
    tried = went_well.filter(kind=RunKind.EXPORT).exists()
    imported = RecordLink.objects.filter(state=RecordLink.State.LINKED).exists() or (
        went_well.filter(kind=RunKind.IMPORT).exclude(options__contains={"dry_run": True}).exists()
    )
    return _Done(is_imported=imported, is_tried=tried, is_exported=False)


def _connections(tenant: Tenant, found: Overview) -> list[Step]:
    return [_connection(tenant, card) for card in found.systems]


def _connection(tenant: Tenant, card: SystemCard) -> Step:
    name = {"system": card.system.label}
    if card.is_missing:
        text = gettext("Fill in the address and what opens %(system)s.") % name
        to_do = gettext("Fill in the connection")
    else:
        text = gettext("The connection is filled in, but was never used. Press “Test connection”.")
        to_do = gettext("Test the connection")
    title = gettext("Connect %(system)s") % name
    return Step(card.system, title, text, card.has_worked, to_do, _settings(tenant, "connection"))


def _choices(tenant: Tenant, found: Overview, done: _Done) -> list[Step]:
    settings = found.standing.settings
    exports = settings is not None and settings.export_orders
    return [
        _first_import(tenant, found, done),
        Step(
            "settings",
            gettext("Choose how work orders become orders"),
            gettext("Switch “Orders” on and look over the work order status, the warehouse and the rounding of hours."),
            exports,
            gettext("Go to the settings"),
            _settings(tenant, "exports"),
        ),
    ]


def _first_import(tenant: Tenant, found: Overview, done: _Done) -> Step:
    title = gettext("First import")
    if not found.standing.imports_something:
        text = gettext("Choose what comes out of King: customers, products, hour types, warehouses.")
        address = _settings(tenant, "imports")
        return Step("import", title, text, done.is_imported, gettext("Choose what to import"), address)
    text = gettext("King's customers, products and hour types come into OutSmart, so that work orders can name them.")
    return Step("import", title, text, done.is_imported, gettext("Start the first import"), start=RunKind.IMPORT)


def _exports(tenant: Tenant, found: Overview, done: _Done) -> list[Step]:
    settings = found.standing.settings
    scheduled = settings is not None and settings.schedule_enabled
    return [
        Step(
            "preview",
            gettext("See what would be sent"),
            gettext(
                "A trial reads the completed work orders and shows the orders that would result. Nothing is written."
            ),
            done.is_tried,
            gettext("Try the export"),
            start=RunKind.EXPORT,
            is_trial=True,
        ),
        _one_export(tenant, found, done),
        Step(
            "schedule",
            gettext("Let it run by itself"),
            gettext("Switch the schedule on when the first order in King looks right."),
            scheduled,
            gettext("Go to the schedule"),
            _settings(tenant, "schedule"),
        ),
    ]


def _one_export(tenant: Tenant, found: Overview, done: _Done) -> Step:
    title = gettext("Export one work order")
    ready = _first_ready(tenant) if done.is_tried and not done.is_exported else None
    if ready:
        number, address = ready
        text = gettext("Look at work order %(number)s beside the order that it becomes, and export only that one.")
        return Step("export", title, text % {"number": number}, done.is_exported, gettext("Look at it"), address)
    if found.figures.person:
        text = gettext("The work orders that were found need a person first.")
        address = f"{reverse('work_orders', args=[tenant.slug])}?state=person"
        return Step("export", title, text, done.is_exported, gettext("Look at them"), address)
    text = gettext(
        "No work order stands ready. Complete one in OutSmart, with the work order status of the settings; try again."
    )
    to_do = gettext("Try the export")
    return Step("export", title, text, done.is_exported, to_do, start=RunKind.EXPORT, is_trial=True)


def _first_ready(tenant: Tenant) -> tuple[str, str] | None:
    """Return the name of a work order that may go, and where it is looked at: its own page, or the trial's."""
    waiting = WorkOrder.objects.filter(state=LedgerState.WAITING).defer("source").order_by("-pk").first()
    if waiting:
        return str(waiting), reverse("work_order", args=[tenant.slug, waiting.pk])
    trials = SyncRun.objects.filter(kind=RunKind.EXPORT, status__in=WENT_WELL, options__contains={"dry_run": True})
    newest = trials.order_by("-pk").first()
    tried = foreseen.all_of(newest) if newest else []
    # One that an export has seen meanwhile waits, is done or needs a person: that is told elsewhere.
    name = next((each.name for each in tried if each.would_be_sent and each.row is None), None)
    return (name, reverse("run", args=[tenant.slug, newest.pk])) if newest and name else None


def _settings(tenant: Tenant, anchor: str) -> str:
    return f"{reverse('settings', args=[tenant.slug])}#{anchor}"
