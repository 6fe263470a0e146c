"""A tenant in its scope, a receiver, and a webhook that leads to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kingsync.models import tenants
from kingsync.models.api.webhooks import Webhook
from kingsync.models.tenants import Tenant
from tests import factories
from tests.notifications.webhooks.receiver import Receiver


@pytest.fixture
def tenant(db: None) -> Iterator[Tenant]:
    """Create a tenant, in its scope, with English messages."""
    made = factories.tenant(slug="jansen", name="Jansen Installatie B.V.", language="en")
    factories.settings(made)
    with tenants.scope(made):
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        yield server


@pytest.fixture
def webhook(tenant: Tenant, receiver: Receiver) -> Webhook:
    return factories.webhook(tenant, receiver.address, host="127.0.0.1")
