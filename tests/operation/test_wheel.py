"""`pip install .` gives a package that works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
from hashlib import sha256
from pathlib import Path

import pytest

from devservers.places import CHECKOUT

PROBE = """
import django
django.setup()
import kingsync
from django.core.management import get_commands
from django.db.migrations.loader import MigrationLoader
from django.template.loader import get_template
from django.utils import translation
print(kingsync.__file__)
print(get_template("accounts/login.html").origin.name)
with translation.override("nl"):
    print(translation.gettext("Work orders"))
print(sorted(name for app, name in MigrationLoader(None).disk_migrations if app == "kingsync"))
print(sorted(name for name, app in get_commands().items() if app == "kingsync"))
"""


def _run(*command: str | Path, cwd: Path) -> str:
    outside = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("DATABASE", "REDIS", "PYTHON", "KINGSYNC"))
    }
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=outside, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an environment with our packages; dependencies come from the environment that runs the tests."""
    folder = tmp_path_factory.mktemp("wheel") / "venv"
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    purelib = Path(_run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip())
    (purelib / "borrowed.pth").write_text(sysconfig.get_path("purelib"))
    pip: list[str | Path] = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        python,
        "install",
        "--quiet",
    ]
    _run(*pip, "--no-deps", "--no-build-isolation", "--no-index", "--no-cache-dir", CHECKOUT, cwd=folder)
    return folder


def test_the_command_of_an_installed_package_works_anywhere(installed: Path, tmp_path: Path) -> None:
    told = _run(installed / "bin" / "kingsync", "collectstatic", "--no-input", cwd=tmp_path)

    assert "static files copied" in told
    assert (tmp_path / "staticfiles" / "shared" / "app.css").exists()


def test_an_installed_package_has_all_that_pages_and_commands_need(installed: Path, tmp_path: Path) -> None:
    settings = f"import os; os.environ['DJANGO_SETTINGS_MODULE'] = 'kingsync.settings'\n{PROBE}"

    told = _run(installed / "bin" / "python", "-c", settings, cwd=tmp_path).splitlines()

    package, page, text, migrations, commands = told
    assert Path(package).is_relative_to(installed)
    assert Path(page).is_relative_to(installed)
    assert text == "Werkbonnen"
    assert migrations == str(sorted(path.stem for path in (CHECKOUT / "kingsync" / "migrations").glob("0*.py")))
    assert commands == str(sorted(path.stem for path in (CHECKOUT / "kingsync/management/commands").glob("[a-z]*.py")))


@pytest.mark.parametrize("kind", ["templates", "static"])
def test_no_template_and_no_static_file_is_left_out(installed: Path, kind: str) -> None:
    [package] = installed.glob("lib/*/site-packages/kingsync")
    ours = {path.relative_to(CHECKOUT / kind) for path in (CHECKOUT / kind).rglob("*.*")}

    assert ours
    assert ours <= {path.relative_to(package / kind) for path in (package / kind).rglob("*.*")}


@pytest.mark.long
def test_what_is_built_depends_on_the_sources_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same bytes from the checkout, and from what its archive of sources holds: another folder, other times."""
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1795305600")
    first = _built(CHECKOUT, tmp_path / "first")
    with tarfile.open(next((tmp_path / "first").glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path / "sources", filter="data")
    [sources] = (tmp_path / "sources").iterdir()
    (sources / "PKG-INFO").unlink()  # made with the archive
    for path in sources.rglob("*"):
        os.utime(path)
        path.chmod(0o700 if path.is_dir() or os.access(path, os.X_OK) else 0o600)

    assert _built(sources, tmp_path / "second") == first
    assert len(first) == 2


def _built(sources: Path, folder: Path) -> dict[str, str]:
    _run(sys.executable, "-m", "hatchling", "build", "--directory", folder, cwd=sources)
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
