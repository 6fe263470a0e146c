"""The documents match the code: keys, defaults, limits and figures."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.core.validators import BaseValidator, MaxValueValidator, MinValueValidator
from django.utils import translation

from integrations import calls as api
from kingsync import probe, serve
from kingsync.accounts import invitations
from kingsync.imports import change_limit, deletions, progress
from kingsync.models.tenants import Tenant
from kingsync.notifications import notify, silence_mails
from kingsync.rules import licence, limits
from kingsync.rules.mapping import Imports
from kingsync.runs import failed_calls
from kingsync.web.accounts import known_devices, throttle, tries
from kingsync.web.settings.settings_form import HELP
from tests import documents
from tests.rules.test_limits import KEYS

CHECKOUT = documents.DOCUMENT.parents[1]
DOCUMENTS = [*CHECKOUT.glob("*.md"), *CHECKOUT.glob("docs/**/*.md")]


def test_the_tables_of_the_tenant_file_are_those_of_the_code() -> None:
    document = documents.DOCUMENT.read_text()

    assert document == documents.written(document), "Run: make docs"


@pytest.mark.parametrize("language", documents.LANGUAGES)
def test_every_key_of_the_tenant_file_is_in_the_table_and_no_other(language: str) -> None:
    named = re.findall(r"^\| `([a-z_.]+)` \|", documents.table(language), flags=re.MULTILINE)

    assert named == [path for path in KEYS if not path.endswith((".0", ".*"))]
    assert all(documents.meaning(path, language) for path in named)


def test_every_key_that_the_text_names_exists() -> None:
    named = set(re.findall(r"`((?:imports|exports|schedule|king|outsmart)\.[a-z_.]+)`", documents.DOCUMENT.read_text()))

    assert named <= set(KEYS)


@pytest.mark.parametrize("language", documents.LANGUAGES)
def test_the_help_of_the_settings_names_the_limits_of_the_code(language: str) -> None:
    with translation.override(language):
        assert f"(max. {limits.MINUTES})" in str(HELP["import_minutes"])
        assert f"(max. {limits.MINUTES})" in str(HELP["export_minutes"])
        assert re.findall(r"\d+", str(HELP["brake_percent"])) == [str(change_limit.ALWAYS_ALLOWED)]


def _text(name: str) -> str:
    """Return a document as one line."""
    return re.sub(r"\s+", " ", (documents.DOCUMENT.parents[1] / name).read_text())


_OPERATIONS = "docs/operations.md"
_MEGABYTE = 1024 * 1024
# (document, what it must say)
FIGURES = [
    (_OPERATIONS, f"usually within {settings.RUN_SLICE_SECONDS} s, after {settings.CELERY_TASK_TIME_LIMIT} s"),
    (_OPERATIONS, f"had no heartbeat for {probe.SILENT_SECONDS} s"),
    (_OPERATIONS, f"lease runs out, {settings.RUN_LEASE_SECONDS} s"),
    (_OPERATIONS, f"They share {settings.RUN_SESSIONS} sessions with the database"),
    ("docs/scale.md", f"{settings.RUN_SESSIONS} for all threads of a worker, and five more at most"),
    ("docs/scale.md", f"each worker of exports takes {settings.RUN_SESSIONS + 5} sessions"),
    (_OPERATIONS, f"A link works once, for {invitations.VALID_FOR.days} days."),
    (_OPERATIONS, f"The link is valid for {settings.PASSWORD_RESET_TIMEOUT // 3600} hours."),
    (_OPERATIONS, f"counted over {throttle.WINDOW.seconds // 60} minutes"),
    (_OPERATIONS, f"{tries.OF_ONE} for an account in a browser"),
    (_OPERATIONS, f"{tries.OF_ONE} for an account from one address"),
    (_OPERATIONS, f"{tries.OF_ACCOUNT} for an account by strangers"),
    (_OPERATIONS, f"{tries.OF_ADDRESS} from one address"),
    (_OPERATIONS, f"a signed cookie, for {known_devices.DAYS} days"),
    (_OPERATIONS, f"see the end coming {licence.NOTICE.days} days before"),
    (_OPERATIONS, f"retried every {notify.RETRY_AFTER.seconds // 60} minutes"),
    (_OPERATIONS, f"for {limits.SILENCE_HOURS} hours ({limits.SILENCE_HOURS_LEAST} to {limits.SILENCE_HOURS_MOST}, as"),
    (_OPERATIONS, f"without a heartbeat for {silence_mails.PART_PATIENCE.seconds // 60} minutes is reported"),
    (_OPERATIONS, f"bodies cut to {failed_calls.SHOWN_CHARACTERS} characters"),
    (_OPERATIONS, f"retries and waits included | {api.OPERATION_SECONDS:.0f} s |"),
    (_OPERATIONS, f"| {api.STREAMING_SECONDS:.0f} s while bytes keep coming"),
    (_OPERATIONS, f"a write to King, unpacked | {api.SMALL_ANSWER_BYTES // _MEGABYTE} MB |"),
    (_OPERATIONS, f"a write to OutSmart | {api.RECORD_ANSWER_BYTES // _MEGABYTE} MB |"),
    (_OPERATIONS, f"a page of King's records | {api.PAGE_ANSWER_BYTES // _MEGABYTE} MB |"),
    (_OPERATIONS, f"unpaged list of OutSmart | {api.LIST_ANSWER_BYTES // _MEGABYTE} MB |"),
    (_OPERATIONS, f"headers must come within {int(serve.OPTIONS[-1]) // 1000} seconds, a form (1 MB at most)"),
    ("docs/imports.md", f"more than {change_limit.ALWAYS_ALLOWED} records**"),
    ("docs/imports.md", f"`brake_percent` ({Imports().brake_percent} %)"),
    ("docs/imports.md", f"(the first {change_limit.SHOWN_AT_MOST})"),
    ("docs/imports.md", f"asked for up to {deletions.ASKED} of the missing ones"),
    ("docs/imports.md", f"with {progress.OVERLAP.seconds // 60} minutes of overlap"),
    ("docs/imports.md", f"once in {progress.FULL_SCAN_AFTER.days * 24} hours"),
    (
        "docs/decisions/0003-celery.md",
        f"slice {settings.RUN_SLICE_SECONDS} s < soft limit {settings.CELERY_TASK_SOFT_TIME_LIMIT} s < "
        f"hard limit {settings.CELERY_TASK_TIME_LIMIT} s < "
        f"visibility time-out {settings.BROKER_VISIBILITY_SECONDS} s",
    ),
    ("docs/decisions/0003-celery.md", f"(up to {api.STREAMING_SECONDS:.0f} s)"),
]


@pytest.mark.parametrize(("document", "figure"), FIGURES)
def test_a_figure_of_the_documents_is_that_of_the_code(document: str, figure: str) -> None:
    assert figure in _text(document)


def test_the_documents_say_how_long_runs_and_log_are_kept() -> None:
    column = Tenant._meta.get_field("log_days")
    bounds = [check for check in column.validators if isinstance(check, BaseValidator)]
    least = next(each.limit_value for each in bounds if isinstance(each, MinValueValidator))
    most = next(each.limit_value for each in bounds if isinstance(each, MaxValueValidator))
    assert f"({column.default}; {least} to {most})" in _text(_OPERATIONS)


def test_the_compose_file_waits_longer_than_a_task() -> None:
    compose = _text("docker-compose.yml")
    minutes = re.search(r"CELERY_TASK_TIME_LIMIT \((\d+) s\)\. stop_grace_period: (\d+)m", compose)

    assert minutes
    assert int(minutes.group(1)) == settings.CELERY_TASK_TIME_LIMIT
    assert int(minutes.group(2)) * 60 > settings.CELERY_TASK_TIME_LIMIT
    assert f"(compose waits {minutes.group(2)} minutes)" in _text(_OPERATIONS)


def test_a_default_of_the_environment_is_that_of_the_settings() -> None:
    """A commented example of .env.example that is said to be the usual value must be the default of the code."""
    lines = _text(".env.example")
    code = (CHECKOUT / "kingsync" / "settings.py").read_text()
    defaults = dict(re.findall(r'env\.(?:int|float)\("([A-Z_]+)", default=([\d.]+)\)', code))

    assert len(defaults) >= 6
    for name, default in defaults.items():
        assert re.search(rf"#{name}={float(default):g}\b", lines), name


@pytest.mark.parametrize("name", sorted(str(path.relative_to(CHECKOUT)) for path in DOCUMENTS))
def test_every_python_file_that_a_document_names_exists(name: str) -> None:
    named = {path for text in re.findall(r"`([^`<>]+\.py)`", _text(name)) for path in _braces_expanded(text)}

    assert {path for path in named if not (CHECKOUT / path).exists()} == set()


def _braces_expanded(text: str) -> list[str]:
    """Return the paths that `a/{b,c}.py` names."""
    before, _, rest = text.partition("{")
    inner, _, after = rest.partition("}")
    return [f"{before}{each}{after}" for each in inner.split(",")]


def test_what_the_glossary_calls_a_name_in_code_is_one() -> None:
    files = [path for room in ("kingsync", "integrations") for path in CHECKOUT.glob(f"{room}/**/*.py")]
    code = "\n".join(path.read_text() for path in files)
    table = (CHECKOUT / "docs" / "glossary.md").read_text()
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")]
    names = [name for row in rows for name in re.findall(r"`([\w.]+)`", row[2])]

    assert len(names) > 30
    assert [name for name in names if not re.search(rf"\b{name.rpartition('.')[2]}\b", code)] == []
