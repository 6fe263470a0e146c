"""PgBouncer, a real one: in session mode all is well; a pooler that lends sessions by the transaction is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from django.db import connection

from devservers import ports
from kingsync.database import pooling
from kingsync.models import tenants
from kingsync.models.runs import SyncRun
from tests import factories, patience, programs

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
_CONFIGURATION = """
[databases]
* = host={host} port={port} user={user} password={password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listens_at}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
server_round_robin = {round_robin}
ignore_startup_parameters = options, extra_float_digits
"""
pytestmark = pytest.mark.django_db(transaction=True)
Through = Callable[..., None]


@pytest.fixture
def through(tmp_path: Path) -> Iterator[Through]:
    """Lead Django's connection through a PgBouncer of this mode, until the test ends."""
    if PROGRAM is None:
        pytest.skip("needs the program pgbouncer")
    with ExitStack() as stack:
        yield lambda mode, **options: stack.enter_context(_pooled(tmp_path, mode, **options))


@contextmanager
def _pooled(folder: Path, mode: str, *, round_robin: int = 0) -> Iterator[None]:
    wanted, port = connection.settings_dict, ports.free_port()
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        _CONFIGURATION.format(
            host=wanted["HOST"],
            port=wanted["PORT"],
            user=wanted["USER"],
            password=wanted["PASSWORD"],
            listens_at=port,
            mode=mode,
            round_robin=round_robin,
        )
    )
    # It refuses to run as root, and becomes someone else after it has read its configuration.
    as_user = ["--user", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen(
        [str(PROGRAM), *as_user, str(configuration)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        programs.wait_for(lambda: not ports.is_free(port))
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(wanted, "HOST", "127.0.0.1")
            patch.setitem(wanted, "PORT", port)
            connection.close()
            yield
    finally:
        connection.close()
        process.terminate()
        process.wait(patience.SECONDS)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
@pytest.mark.parametrize("round_robin", [0, 1])
def test_a_pooler_that_lends_its_sessions_is_refused(through: Through, mode: str, round_robin: int) -> None:
    through(mode, round_robin=round_robin)

    with pytest.raises(pooling.SessionsAreSharedError, match="set the pooler to session mode"):
        connection.ensure_connection()

    assert connection.connection is None


def test_a_pooler_in_session_mode_is_accepted(through: Through) -> None:
    through("session")
    tenant = factories.tenant()

    with tenants.scope(tenant):
        factories.run(tenant)

        assert SyncRun.objects.count() == 1
    assert connection.connection.info.backend_pid != _pid()  # it is the pooler that answers


def test_a_database_without_a_pooler_is_not_looked_at_closer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooling, "are_shared", lambda _parameters: pytest.fail("there is no pooler"))
    connection.close()

    connection.ensure_connection()

    assert connection.connection.info.backend_pid == _pid()


def _pid() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
        return int(pid)
