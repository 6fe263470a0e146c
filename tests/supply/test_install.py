"""`make install` on other machines: with pip's own settings, without a home, on a full disk, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devservers import ports
from devservers.accounts import NOBODY
from devservers.places import CHECKOUT
from requirements import pip_settings
from tests import patience
from tests.integrations.test_transport_tls import certificate
from tests.supply import package_index

OWN_DISK = ["unshare", "--user", "--map-root-user", "--mount"]
MAY_HAVE_ITS_OWN_DISK = (
    shutil.which("unshare") is not None
    and subprocess.run([*OWN_DISK, "true"], capture_output=True, check=False).returncode == 0
)


@dataclass(frozen=True)
class Wheels:
    uv: Path
    tiny: Path


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Wheels:
    folder = tmp_path_factory.mktemp("wheels")
    tiny = package_index.wheel(folder, "tiny", "1.0", {"tiny.py": b"SAYS = 'installed'\n"})
    return Wheels(package_index.uv_wheel(folder), tiny)


@pytest.fixture(scope="module")
def empty_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment with pip only: making one takes seconds."""
    folder = tmp_path_factory.mktemp("empty") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder


@pytest.fixture
def checkout(tmp_path: Path, wheels: Wheels, empty_environment: Path) -> Path:
    """Return a checkout whose lock files name two small packages."""
    folder = tmp_path / "a checkout"
    (folder / "requirements").mkdir(parents=True)
    for name in ("install.sh", "pip_settings.py"):
        shutil.copy(CHECKOUT / "requirements" / name, folder / "requirements")
    (folder / "requirements" / "uv.lock").write_text(package_index.locked(wheels.uv))
    (folder / "requirements" / "dev.lock").write_text(package_index.locked(wheels.tiny))
    shutil.copytree(empty_environment, folder / ".venv", symlinks=True)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def _install(checkout: Path, *before: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run what `make install` runs, with these variables and no settings of this machine."""
    return _install_as(None, checkout, *before, **variables)


def _install_as(user: int | None, checkout: Path, *before: str, **variables: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "1"}
    return subprocess.run(
        [*before, str(checkout / "requirements" / "install.sh")],
        env={name: value for name, value in (clean | variables).items() if value},
        cwd="/",
        user=user,
        extra_groups=[] if user else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=patience.SECONDS,
    )


def _says(checkout: Path) -> str:
    done = subprocess.run(
        [str(checkout / ".venv/bin/python"), "-c", "import tiny; print(tiny.SAYS)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


@pytest.fixture
def index(wheels: Wheels) -> Iterator[str]:
    with package_index.serving(wheels.uv, wheels.tiny) as address:
        yield address


def _configured(home: Path, *lines: str) -> dict[str, str]:
    """Return the variables of a user with this pip.conf."""
    (home / "pip.conf").write_text("\n".join(["[global]", *lines, ""]))
    return {"HOME": str(home), "PIP_CONFIG_FILE": str(home / "pip.conf")}


def test_a_companys_index_and_certificate_authority_of_pip_conf_are_enough(
    checkout: Path, home: Path, wheels: Wheels, tmp_path: Path
) -> None:
    tls, pem = certificate(tmp_path)
    (tmp_path / "authority.pem").write_text(pem)
    with package_index.serving(wheels.uv, wheels.tiny, tls=tls, login=package_index.LOGIN) as address:
        index = address.replace("://", f"://{package_index.LOGIN}@")
        untrusted = _install(checkout, **_configured(home, f"index-url = {index}"))
        trusted = _install(checkout, **_configured(home, f"index-url = {index}", f"cert = {tmp_path}/authority.pem"))

    assert (untrusted.returncode, untrusted.stderr.count("\n")) == (1, 1)
    assert "certificate of the package index is not trusted: name your certificate authority" in untrusted.stderr
    assert (trusted.returncode, trusted.stderr, _says(checkout)) == (0, "", "installed")


def test_an_untrusted_index_may_be_named_as_trusted_and_a_second_one_has_what_the_first_lacks(
    checkout: Path, home: Path, wheels: Wheels, tmp_path: Path
) -> None:
    tls, _pem = certificate(tmp_path)
    with (
        package_index.serving(wheels.uv, tls=tls) as first,
        package_index.serving(wheels.tiny, tls=tls) as second,
    ):
        hosts = " ".join(address.split("/")[2] for address in (first, second))
        lines = (f"index-url = {first}", f"extra-index-url = {second}", f"trusted-host = {hosts}")
        done = _install(checkout, **_configured(home, *lines))

    assert (done.returncode, _says(checkout)) == (0, "installed"), done.stderr


def test_an_index_that_wants_a_login_is_named_as_such(checkout: Path, home: Path, wheels: Wheels) -> None:
    with package_index.serving(wheels.uv, login=package_index.LOGIN) as address:
        done = _install(checkout, HOME=str(home), PIP_INDEX_URL=address)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "wants a login: put it into index-url" in done.stderr


@pytest.mark.parametrize("missing", ["uv", "tiny"])
def test_a_package_that_the_index_lacks_is_one_sentence(
    checkout: Path, home: Path, wheels: Wheels, missing: str
) -> None:
    kept = [path for path in (wheels.uv, wheels.tiny) if not path.name.startswith(missing)]
    with package_index.serving(*kept) as lacking:
        lacks = _install(checkout, HOME=str(home), PIP_INDEX_URL=lacking)

    assert (lacks.returncode, lacks.stderr.count("\n")) == (1, 1), lacks.stderr
    assert "lacks a package of requirements/*.lock: set index-url" in lacks.stderr
    assert _says(checkout) == ""


def test_a_package_that_the_index_changed_is_one_sentence(
    checkout: Path, home: Path, wheels: Wheels, tmp_path: Path
) -> None:
    other = package_index.wheel(tmp_path, "tiny", "1.0", {"tiny.py": b"SAYS = 'something else'\n"})
    with package_index.serving(wheels.uv, other) as changed:
        differs = _install(checkout, HOME=str(home), PIP_INDEX_URL=changed)

    assert (differs.returncode, differs.stderr.count("\n")) == (1, 1), differs.stderr
    assert "not the one of requirements/*.lock, so it was not installed" in differs.stderr
    assert _says(checkout) == ""


def test_without_a_network_is_one_sentence_nothing_is_done_when_all_is_there_and_nothing_is_written_elsewhere(
    checkout: Path, home: Path, index: str
) -> None:
    """Elsewhere is outside the checkout and the caches: neither when it fails nor when it installs or need not."""
    before = {path for path in home.parent.iterdir() if path != home}
    nowhere = f"http://127.0.0.1:{ports.free_port()}/simple"

    refused = _install(checkout, HOME=str(home), PIP_INDEX_URL=nowhere)
    _install(checkout, HOME=str(home), PIP_INDEX_URL=index, TMPDIR="")
    again = _install(checkout, HOME=str(home), PIP_INDEX_URL=nowhere)

    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "No package index answers: set index-url, or proxy, in pip.conf" in refused.stderr
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert {path for path in home.parent.iterdir() if path != home} == before
    assert {path.name for path in home.iterdir()} <= {".cache"}
    assert {path.name for path in checkout.iterdir()} == {".venv", "requirements"}


@pytest.mark.parametrize("home", ["", "/proc/nobody", os.devnull])
def test_a_home_that_is_missing_or_cannot_be_written_is_not_needed(checkout: Path, index: str, home: str) -> None:
    done = _install(checkout, HOME=home, PIP_INDEX_URL=index)

    assert (done.returncode, _says(checkout)) == (0, "installed"), done.stderr


def test_another_users_checkout_is_one_sentence() -> None:
    with tempfile.TemporaryDirectory(prefix="kingsync-install-") as name:
        folder = Path(name)
        shutil.copytree(CHECKOUT / "requirements", folder / "requirements", ignore=shutil.ignore_patterns("*cache*"))
        folder.chmod(0o555)
        done = _install_as(NOBODY if os.geteuid() == 0 else None, folder)
        folder.chmod(0o755)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith(f"install   {folder} belongs to another user")
    assert "make a clone of your own" in done.stderr


@pytest.mark.skipif(not MAY_HAVE_ITS_OWN_DISK, reason="the kernel gives no disk of its own to a program here")
def test_a_full_disk_is_one_sentence(checkout: Path, home: Path, tmp_path: Path) -> None:
    """The environment is on a disk of its own, which the packages do not fit on."""
    uv = package_index.whole_uv_wheel(tmp_path)
    (checkout / "requirements" / "uv.lock").write_text(package_index.locked(uv))
    mount = 'mount -t tmpfs -o size=40m none "$1" && cp -a "$2/." "$1" && exec "$3"'
    environment = checkout / ".venv"
    environment.rename(checkout.parent / "made")
    environment.mkdir()

    command = [*OWN_DISK, "sh", "-c", mount, "-", str(environment), str(checkout.parent / "made")]
    with package_index.serving(uv) as index:
        done = _install(checkout, *command, HOME=str(home), PIP_INDEX_URL=index)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "The disk is full: .venv takes 1 GB in" in done.stderr


def test_a_python_that_is_none_is_named(checkout: Path, home: Path) -> None:
    done = _install(checkout, HOME=str(home), PYTHON="/bin/false")

    assert done.stderr == "install   PYTHON=/bin/false is no Python 3.11 or later: name one, or leave it out.\n"


# --- what pip is configured with --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (
            "global.index-url='https://a/simple'\ninstall.index-url='https://b/simple'",
            {"UV_DEFAULT_INDEX": "https://b/simple"},
        ),
        ("global.cert='/a.pem'\n:env:.cert='/b.pem'", {"SSL_CERT_FILE": "/b.pem"}),
        (
            "global.extra-index-url='https://a/x\\nhttps://b/x'",
            {"UV_INDEX": "https://a/x https://b/x", "UV_INDEX_STRATEGY": "unsafe-best-match"},
        ),
        (
            "global.find-links='/usr /not/there https://a/b'\nglobal.no-index='true'",
            {"UV_FIND_LINKS": "/usr,https://a/b", "UV_NO_INDEX": "1"},
        ),
        ("global.no-index='false'\nlist.format='columns'\n", {}),
        ("global.trusted-host='a b:8'", {"UV_INSECURE_HOST": "a b:8"}),
        ("global.client-cert='/c.pem'", {"SSL_CLIENT_CERT": "/c.pem"}),
        ("global.proxy='http://u:p@p:3128'", {"HTTPS_PROXY": "http://u:p@p:3128", "HTTP_PROXY": "http://u:p@p:3128"}),
    ],
)
def test_each_setting_of_pip_is_one_of_uv(listed: str, expected: dict[str, str]) -> None:
    assert pip_settings.variables(pip_settings.settings(listed), {}) == expected


def test_what_uv_was_told_itself_stays() -> None:
    told = {"UV_DEFAULT_INDEX": "https://mine/simple", "SSL_CERT_FILE": "/machine.pem"}
    of_pip = {"index-url": "https://pips/simple", "cert": "/company.pem"}

    assert pip_settings.variables(of_pip, told) == {"SSL_CERT_FILE": "/company.pem"}
