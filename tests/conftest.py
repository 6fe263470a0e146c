"""Fixtures that all tests share: a tenant, its scope, both sandboxes and the connections to them."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

import hypothesis
import pytest
from django.db import connection
from django.test import TransactionTestCase, override_settings
from pytest_django import DjangoDbBlocker, Settings

from integrations import retry
from kingsync import garbage, tasks
from kingsync.database import lending, sessions
from kingsync.database.roles import Roles
from kingsync.models import tenants
from kingsync.models.connections import Connection, System
from kingsync.models.tenants import Tenant
from kingsync.runs import background_calls
from sandboxes.king.sandbox import KingSandbox
from sandboxes.outsmart.sandbox import OutSmartSandbox
from tests import dealing, factories, lost_answers, programs, scenario, standing, template
from tests.lost_answers import LostAnswers

T = TypeVar("T")
# Tests assert behaviour, not times: on a busy machine an example may take as long as it likes.
UNHURRIED = hypothesis.settings(deadline=None, database=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("gate", UNHURRIED)
hypothesis.settings.register_profile("thorough", UNHURRIED, max_examples=5000)
hypothesis.settings.load_profile(os.environ.get("EXAMPLES", "gate"))

# What Django itself writes into a new database; nothing of a test.
OF_DJANGO = {"django_content_type", "auth_permission"}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    workers = getattr(config, "workerinput", {"workercount": 1})["workercount"]
    items[:] = dealing.dealt(items, lambda item: item.get_closest_marker("long") is not None, workers=workers)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    # Thousands of tests and all modules are there to stay: the garbage collector need not visit them again and again.
    garbage.pause()
    try:
        return (yield)
    finally:
        garbage.resume()


@pytest.fixture(scope="session", autouse=True)
def _usual_settings() -> Iterator[None]:
    # The real hasher takes a third of a second for each password, on purpose.
    hashers = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    with override_settings(PRIVATE_HOSTS=["127.0.0.1"], PASSWORD_HASHERS=hashers):
        yield


@pytest.fixture(scope="session", autouse=True)
def _short_waits() -> Iterator[None]:
    """Make refused calls again soon; tests of the waits themselves bring a clock of their own."""
    usual = retry.repeated

    def soon(call: Callable[[int], T], *, sleep: Callable[[float], object] = time.sleep, **options: Any) -> T:
        return usual(call, sleep=_A_HUNDREDTH.get(sleep, sleep), **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retry, "repeated", soon)
        yield


# What the product sleeps with, by itself and while others have its session.
_A_HUNDREDTH: dict[Callable[[float], object], Callable[[float], object]] = {
    time.sleep: lambda seconds: time.sleep(seconds / 100),
    lending.sleep: lambda seconds: lending.sleep(seconds / 100),
}


@pytest.fixture(scope="session", autouse=True)
def _quickly_emptied_tables() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", _delete_all_rows)
        yield


def _delete_all_rows(_test: TransactionTestCase) -> None:
    """Leave only the module's standing rows after a test with transactions of its own."""
    empty_tables()
    standing.make_all_again()


def empty_tables() -> None:
    """Delete all rows.

    Django truncates the tables, which makes a new file for every table and index: a hundred times the work for a few
    rows.
    """
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - OF_DJANGO
    rows = "".join(f'DELETE FROM "{table}";' for table in sorted(tables))
    # As the owner and without triggers, as a restore does: the audit trail refuses deletions.
    with sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(f"SET session_replication_role = replica; {rows} SET session_replication_role = origin;")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, django_db_blocker: DjangoDbBlocker
) -> None:
    """Let the processes of a run copy one migrated database."""
    with django_db_blocker.unblock():
        template.take()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Set the database up as pytest-django does; in the end, end sessions of threads that are still closing theirs."""
    yield
    with django_db_blocker.unblock(), sessions.as_owner(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session")
def _journals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return one folder after another, which are made by who writes into them: most tests do not."""
    folder = tmp_path_factory.mktemp("journals")
    return (str(folder / str(number)) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_journal(settings: Settings, _journals: Iterator[str]) -> None:
    settings.JOURNAL_FOLDER = next(_journals)


@pytest.fixture
def lost_answers_soon_settled(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> LostAnswers:
    """Make clients give up on lost answers as soon as the sandbox has lost them."""
    settings.KING_WRITE_TIMEOUT = 100.0  # only a hang reaches it, and the longest time of any call does not cut it
    return lost_answers.install(monkeypatch)


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


@pytest.fixture
def taken_scopes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list to which each scope is added that a session takes in the database."""
    taken: list[int] = []
    honest = Roles.parameters

    def noted(self: Roles, whose: int) -> list[str]:
        taken.append(whose)
        return honest(self, whose)

    monkeypatch.setattr(Roles, "parameters", noted)
    return taken


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
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the queues of the messages that are sent, instead of sending them."""
    found: list[str] = []

    def noted(*, queue: str, **_rest: Any) -> None:
        found.append(queue)

    monkeypatch.setattr(tasks.run_sync, "apply_async", noted)
    return found


@pytest.fixture
def worker() -> Iterator[Callable[[], programs.Program]]:
    """Start real Celery workers on the database, broker and sandboxes of the test."""
    with programs.workers() as start:
        yield start


def connect(tenant: Tenant, king: KingSandbox, outsmart: OutSmartSandbox) -> None:
    """Point the tenant's connections to these sandboxes."""
    with tenants.scope(tenant):
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
