"""docs/security.md is complete: every requirement once, every test and file that it names exists."""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass

import pytest

from devservers.places import CHECKOUT

DOCUMENT = CHECKOUT / "docs" / "security.md"
# ASVS 5.0.0: the numbers of the requirements of levels 1 and 2, each with its level.
NUMBERS = CHECKOUT / "tests" / "samples" / "asvs-5.0.0.txt"
STATUSES = {"met", "partly", "not met", "not applicable", "pending"}
# Variables of .env.example that hold a secret, or name another place that we connect to.
SECRETS = re.compile(r"KEY|TOKEN|PASSWORD|DSN|(DATABASE|REDIS|EMAIL)_URL")
PLACES = re.compile(r"(DATABASE|REDIS|EMAIL)_URL|DSN|OUTSMART_HOSTS|PRIVATE_HOSTS|PLAIN_HTTP|XML_FOLDER")


@dataclass(frozen=True)
class Row:
    number: str
    level: str
    requirement: str
    status: str
    how: str
    tests: tuple[str, ...]


def _rows() -> list[Row]:
    cells = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in DOCUMENT.read_text().splitlines()
        if re.match(r"\| \d+\.\d+\.\d+ \|", line)
    ]
    assert {len(row) for row in cells} == {6}
    return [
        Row(number, level, requirement, status, how, tuple(filter(None, tests.split(" · "))))
        for number, level, requirement, status, how, tests in cells
    ]


ROWS = _rows()


@functools.cache
def _tests_of(file: str) -> set[str]:
    tree = ast.parse((CHECKOUT / file).read_text())
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


def _section(name: str) -> str:
    return DOCUMENT.read_text().partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def _variables(pattern: re.Pattern[str]) -> set[str]:
    example = (CHECKOUT / ".env.example").read_text()
    return {name for name in re.findall(r"^#?([A-Z][A-Z_]+)=", example, flags=re.MULTILINE) if pattern.search(name)}


def test_every_requirement_of_levels_1_and_2_is_there_once_and_in_order() -> None:
    wanted = [tuple(line.split()) for line in NUMBERS.read_text().splitlines()]

    assert len(wanted) == 253
    assert [(row.number, row.level) for row in ROWS] == wanted


def test_every_status_is_one_of_the_words_and_says_how() -> None:
    assert {row.status for row in ROWS} <= STATUSES
    assert [row.number for row in ROWS if not (row.requirement and row.how)] == []


def test_what_is_met_has_a_test_and_what_is_pending_a_feature() -> None:
    assert [row.number for row in ROWS if row.status == "met" and not row.tests] == []
    assert [row.number for row in ROWS if row.status == "pending" and not re.search(r"\*[\w -]+\*", row.how)] == []
    assert [row.number for row in ROWS if row.status == "not applicable" and row.tests] == []


@pytest.mark.parametrize("number", [row.number for row in ROWS if row.tests])
def test_every_test_and_file_that_a_requirement_names_exists(number: str) -> None:
    [row] = [row for row in ROWS if row.number == number]
    targets = re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), flags=re.MULTILINE)

    for test in row.tests:
        file, _, name = test.strip("`").partition("::")
        command = re.match(r"`make ([a-z-]+)`", test)
        assert command.group(1) in targets if command else name in _tests_of(file)
    paths = re.findall(r"`((?:kingsync|integrations|tests|requirements)/[^`:]*)`", row.how)
    assert [path for path in paths if not (CHECKOUT / path).exists()] == []


def test_every_secret_of_the_environment_is_among_the_keys() -> None:
    assert {name for name in _variables(SECRETS) if f"`{name}`" not in _section("Keys")} == set()


def test_every_connection_of_the_environment_is_among_the_boundaries() -> None:
    assert {name for name in _variables(PLACES) if f"`{name}`" not in _section("Trust boundaries")} == set()


def test_every_link_to_a_section_or_a_file_leads_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", DOCUMENT.read_text())

    assert [target for target in targets if not (DOCUMENT.parent / target).exists()] == []


def test_the_policy_says_how_to_report_and_how_soon_packages_are_updated() -> None:
    policy = (CHECKOUT / "SECURITY.md").read_text()

    assert "private security advisory" in policy
    assert re.findall(r"^\| (critical|high|other).* \| within \d+ days \|$", policy, flags=re.MULTILINE) == [
        "critical",
        "high",
        "other",
    ]
