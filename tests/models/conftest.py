"""Two tenants with a work order each."""

from __future__ import annotations

import pytest

from kingsync.models.tenants import Tenant
from tests import factories


@pytest.fixture
def mine(db: None) -> Tenant:
    made = factories.tenant()
    factories.work_order(made)
    return made


@pytest.fixture
def theirs(db: None) -> Tenant:
    made = factories.tenant()
    factories.work_order(made)
    return made
