"""A tenant with something of everything, so that pages show all their forms and commands find what they name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from unittest import mock

from django.db import transaction
from django.test import Client
from django.utils import timezone

from devservers import ports
from kingsync.models import tenants
from kingsync.models.accounts.invitations import Invitation
from kingsync.models.connections import System
from kingsync.models.runs import RunKind
from kingsync.models.tenants import Role, Tenant
from kingsync.models.work_orders import LedgerState, WorkOrder
from kingsync.upkeep.tenant_data import export
from tests import factories


class Nobody:
    """Takes the jobs of background calls and carries out none."""

    def submit(self, _job: object) -> None:
        pass


@contextmanager
def undone() -> Iterator[None]:
    """Undo in the end what the block stores. A snapshot of an export would need a transaction of its own."""
    with transaction.atomic(), mock.patch.object(export, "_snapshot", nullcontext):
        yield
        transaction.set_rollback(True)


def filled() -> Tenant:
    """Make the tenant `jansen` with work orders in each state, runs, records, a file and an approval to give."""
    tenant = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    with tenants.scope(tenant):
        factories.settings(tenant)
        # Nothing answers there.
        factories.connection(tenant, System.OUTSMART, base_url=f"http://127.0.0.1:{ports.free_port()}/openapi/8")
        factories.connection(tenant, System.KING, base_url=f"http://127.0.0.1:{ports.free_port()}")
        for number, state in enumerate(LedgerState, 7_000_001):
            is_in_king = state in (LedgerState.DONE, LedgerState.CHANGED)
            order = {"king_order_number": str(number), "exported_at": timezone.now()} if is_in_king else {}
            factories.order_line(factories.work_order(tenant, outsmart_id=str(number), state=state, **order))
        factories.log_entry(factories.run(tenant))
        factories.run(tenant, RunKind.IMPORT)
        factories.record_link(tenant)
        factories.king_file(tenant)
        factories.trip(tenant)
    return tenant


def known(tenant: Tenant) -> dict[str, list[str]]:
    """Return values for the parts of addresses, by their names."""
    with tenants.scope(tenant):
        found = {
            "work_order_id": WorkOrder.objects.values_list("pk", flat=True),
            "membership_id": tenant.memberships.values_list("pk", flat=True),
            "invitation_id": Invitation.objects.filter(tenant=tenant).values_list("pk", flat=True),
        }
        numbers = {name: [str(key) for key in keys] or ["1"] for name, keys in found.items()}
    return {
        "slug": ["jansen"],
        "kind": ["export", "import"],
        "system": ["king", "outsmart"],
        "key": ["users"],
    } | numbers


def browsers(tenant: Tenant) -> dict[str, Client]:
    """Return the browsers of an owner, an editor, an operator and of a visitor without login."""
    people = {
        "owner": factories.member(tenant, Role.OWNER, name="alice"),
        "editor": factories.member(tenant, Role.EDITOR, name="eddy"),
        "operator": factories.operator(name="olga"),
    }
    found = {"visitor": Client(SERVER_NAME="127.0.0.1")}
    for name, person in people.items():
        found[name] = Client(SERVER_NAME="127.0.0.1")
        found[name].force_login(person)
    return found
