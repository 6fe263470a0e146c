"""The documentation as a site: every link leads somewhere, every command that a page names exists."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from devservers.places import CHECKOUT
from kingsync.messages.advice import table
from tests import catalogues, patience

PAGES = sorted([*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/*.md"), *CHECKOUT.glob("docs/decisions/*.md")])
TARGETS = set(re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), flags=re.MULTILINE))
# Of `deploy/kingsync` itself.
OF_THE_SERVICE = {"backup"}
# What stands in quotes of code, or in a block of it.
_CODE = re.compile(r"^```.*?^```|^    [^\n]*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def _build(sources: Path, to: Path) -> subprocess.CompletedProcess[str]:
    [recipe] = re.findall(r"^site: .*\n\t@\$\(BIN\)/python (.*)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    command = [sys.executable, *recipe.replace(".local/site", str(to)).split()]
    return subprocess.run(command, cwd=sources, capture_output=True, text=True, check=False, timeout=patience.SECONDS)


@pytest.mark.long
def test_the_site_is_built_without_a_warning_and_every_page_can_be_reached(tmp_path: Path) -> None:
    done = _build(CHECKOUT, tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    made = {path.relative_to(tmp_path).with_suffix("") for path in tmp_path.rglob("*.html")}
    assert {page.relative_to(CHECKOUT).with_suffix("") for page in PAGES} <= made


def test_a_link_to_a_page_or_a_heading_that_is_not_there_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "integrations").symlink_to(CHECKOUT / "integrations")
    (tmp_path / "docs" / "conf.py").write_text((CHECKOUT / "docs" / "conf.py").read_text())
    (tmp_path / "docs" / "index.md").write_text(
        "# Start\n\n[a](nothing.md) [b](index.md#nothing) [c](index.md#start)\n"
    )

    done = _build(tmp_path, tmp_path / "site")

    assert done.returncode != 0
    warnings = [line for line in done.stderr.splitlines() if "WARNING" in line]
    assert [("'nothing.md'" in line, "'nothing'" in line) for line in warnings] == [(True, False), (False, True)]


def test_every_command_that_a_page_names_exists() -> None:
    missing = {page.relative_to(CHECKOUT): unknown for page in PAGES if (unknown := _unknown_commands(page))}

    assert missing == {}


def _unknown_commands(page: Path) -> set[str]:
    code = "\n".join(_CODE.findall(page.read_text()))
    commands = set(re.findall(r"(?:manage\.py|^(?:KINGSYNC_USER=root )?kingsync) ([a-z_]+)", code, re.MULTILINE))
    targets = set(re.findall(r"(?:^|[`;&] ?)make ([a-z-]+)\b", code, re.MULTILINE))
    return (commands - set(get_commands()) - OF_THE_SERVICE) | {f"make {target}" for target in targets - TARGETS}


def test_every_option_that_a_page_gives_a_command_exists() -> None:
    ours = "\n".join(path.read_text() for path in (CHECKOUT / "kingsync" / "management").rglob("*.py"))
    missing = {page.relative_to(CHECKOUT): unknown for page in PAGES if (unknown := _unknown_options(page, ours))}

    assert missing == {}


def _unknown_options(page: Path, ours: str) -> list[str]:
    """Return commands of a page with an option that neither our code has nor what Django says of the command."""
    code = "\n".join(_CODE.findall(page.read_text()))
    given = re.findall(r"(?:manage\.py|^kingsync) ([a-z_]+)[^`\n|]*? (--[a-z-]+)", code, re.MULTILINE)
    of_django = [each for each in given if each[0] not in OF_THE_SERVICE and f'"{each[1]}"' not in ours]
    return [f"{command} {option}" for command, option in of_django if option not in _help(command)]


def _help(command: str) -> str:
    return load_command_class(get_commands()[command], command).create_parser("manage.py", command).format_help()


def test_the_three_doors_lead_to_every_page_of_the_docs() -> None:
    index = (CHECKOUT / "docs" / "index.md").read_text()
    listed = set(re.findall(r"^(?:\.\./)?([\w-]+)$", index, flags=re.MULTILINE)) | {"index"}

    assert {page.stem for page in CHECKOUT.glob("docs/*.md")} <= listed
    assert "decisions/*" in index


@pytest.mark.parametrize("document", [catalogues.ERRORS, catalogues.ENVIRONMENT], ids=lambda path: path.name)
def test_what_is_made_from_the_code_is_what_the_code_says(document: Path) -> None:
    text = document.read_text()

    assert text == catalogues.replaced(text, catalogues.all_parts()[document]), "Run: make docs"


def test_every_variable_is_documented_and_every_documented_one_is_read() -> None:
    documented = {each.name for each in catalogues.variables()}
    read = catalogues.read_by_code()
    shell = {"KINGSYNC_ENVIRONMENT", "KINGSYNC_USER", "PYTHON"}  # read by shell scripts

    assert read - documented == set(catalogues.OTHERS) - shell
    assert documented - read == catalogues.OF_COMPOSE
    compose = (CHECKOUT / "docker-compose.yml").read_text()
    assert all(f"${{{name}" in compose for name in catalogues.OF_COMPOSE)
    scripts = (CHECKOUT / "deploy" / "kingsync").read_text() + (CHECKOUT / "requirements" / "install.sh").read_text()
    assert all(f"${{{name}:-" in scripts for name in shell)


def test_every_message_is_in_the_catalogue_in_both_languages() -> None:
    for text in catalogues.error_parts().values():
        assert set(re.findall(r"^\| `([\w.-]+)` \|", text, flags=re.MULTILINE)) == set(table.ADVICE)


def test_the_picture_of_the_architecture_needs_no_network() -> None:
    picture = (CHECKOUT / "docs" / "architecture.svg").read_text()

    assert re.findall(r"https?://\S+", picture) == ['http://www.w3.org/2000/svg"']
    assert all(
        part in picture for part in ("PostgreSQL", "worker: exports", "worker: imports", "clock", "integrations/")
    )


def test_the_tools_of_the_site_are_for_engineers_only() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]

    assert not [need for need in project["dependencies"] if need.startswith(("sphinx", "myst", "furo"))]
