"""Fixtures that all tests share: a tenant, its scope, both sandboxes and the connections to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest
from pytest_django import Settings

from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.tenants import Tenant
from kingsync.runs import background_calls
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import dealing, factories, lost_answers, programs, scenario
from tests.lost_answers import LostAnswers

# Tests assert behaviour, not times: on a busy machine an example may take as long as it likes.
hypothesis.settings.register_profile("gate", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("gate")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    workers = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    items[:] = dealing.dealt(items, lambda item: item.get_closest_marker("long") is not None, workers=workers)


@pytest.fixture(autouse=True)
def _loopback_allowed(settings: Settings, tmp_path: Path) -> None:
    settings.PRIVATE_HOSTS = ["127.0.0.1"]
    settings.JOURNAL_FOLDER = str(tmp_path / "journal")


@pytest.fixture
def lost_answers_soon_settled(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> LostAnswers:
    """Make clients give up on lost answers as soon as the sandbox has lost them."""
    settings.KING_WRITE_TIMEOUT = 100.0  # only a hang reaches it, and the longest time of any call does not cut it
    return lost_answers.install(monkeypatch)


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    # The real one takes a third of a second for each password, on purpose.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def king() -> Iterator[KingSandbox]:
    """Provide a King that contains only what a test puts there."""
    with KingSandbox(empty=True) as sandbox:
        yield sandbox


@pytest.fixture
def outsmart() -> Iterator[OutSmartSandbox]:
    with OutSmartSandbox(empty=True) as sandbox:
        yield sandbox


@pytest.fixture
def tenant(db: None, king: KingSandbox, outsmart: OutSmartSandbox) -> Iterator[Tenant]:
    """Provide a tenant that is connected to both sandboxes, in its scope."""
    made = factories.tenant(slug="jansen", name="Jansen Installatie B.V.")
    connect(made, king, outsmart)
    with tenants.scope(made):
        yield made


@pytest.fixture
def stocked(tenant: Tenant, king: KingSandbox) -> None:
    """Give King what the work orders of `scenario.work_order` name, and the tenant the usual settings."""
    scenario.stock(king)
    factories.settings(tenant)


class AtOnce:
    """Makes a page's call before its answer, as threads do, for tests within one transaction."""

    is_working = False

    def submit(self, job: Callable[[], None]) -> None:
        AtOnce.is_working = True
        try:
            job()
        finally:
            AtOnce.is_working = False


@pytest.fixture
def calls_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finish the calls that a page asks for before the page answers."""
    monkeypatch.setattr(background_calls, "pool", AtOnce())


@pytest.fixture
def worker() -> Iterator[Callable[[], programs.Program]]:
    """Start real Celery workers on the database, broker and sandboxes of the test."""
    with programs.workers() as start:
        yield start


def connect(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    """Point the tenant's connections to these sandboxes."""
    Connection(
        tenant=tenant,
        system=System.KING,
        base_url=king.base_url,
        administration=king.administration,
        credentials={"access_code": king.access_code},
        busy_codes=["LOCK"],
    ).save()
    Connection(
        tenant=tenant,
        system=System.OUTSMART,
        base_url=outsmart.base_url,
        credentials={"token": outsmart.token, "software_token": outsmart.software_token},
    ).save()
