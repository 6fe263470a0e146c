"""Every alert rule fires on what it is about and on nothing else, as Prometheus' own promtool works it out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from devservers.places import CHECKOUT

RULES = CHECKOUT / "deploy" / "watch" / "alerts.yml"
PROMTOOL = shutil.which("promtool")
CALLS = 'system="king",operation="Order_Toevoegen"'


@dataclass(frozen=True)
class Case:
    """Series as promtool writes them, a value each minute; what the alert's labels and value are when it fires."""

    alert: str
    after: str
    fires: dict[str, str]
    quiet: dict[str, str]
    labels: dict[str, str] = field(default_factory=dict)
    value: str = ""


CASES = (
    Case("KingsyncGone", "6m", {}, {'kingsync_up{part="database"}': "1x20"}),
    Case(
        "KingsyncPartAway",
        "3m",
        {'kingsync_up{part="broker"}': "0x20", 'kingsync_up{part="database"}': "1x20"},
        {'kingsync_up{part="broker"}': "1x20"},
        {"part": "broker"},
    ),
    Case(
        "KingsyncPartSilent",
        "3m",
        {'kingsync_heartbeat_age_seconds{part="clock"}': "130+60x20"},
        {
            'kingsync_heartbeat_age_seconds{part="clock"}': "110x20",
            'kingsync_heartbeat_age_seconds{part="broker"}': "500x20",
        },
        {"part": "clock"},
    ),
    Case(
        "KingsyncQueueStuck",
        "6m",
        {'kingsync_queue_oldest_seconds{queue="exports"}': "700x20"},
        {'kingsync_queue_oldest_seconds{queue="exports"}': "500x20"},
        {"queue": "exports"},
    ),
    Case(
        "KingsyncRunWaits",
        "6m",
        {'kingsync_oldest_open_run_seconds{kind="export",state="queued"}': "2000x20"},
        {'kingsync_oldest_open_run_seconds{kind="export",state="running"}': "9000x20"},
        {"kind": "export"},
    ),
    Case(
        "KingsyncRunsFail",
        "80m",
        {
            'kingsync_runs_total{kind="import",outcome="failed",mode="write"}': "0+10x100",
            'kingsync_runs_total{kind="import",outcome="succeeded",mode="write"}': "0+2x100",
        },
        {
            'kingsync_runs_total{kind="import",outcome="failed",mode="write"}': "0+2x100",
            'kingsync_runs_total{kind="import",outcome="succeeded",mode="write"}': "0+10x100",
            'kingsync_runs_total{kind="import",outcome="failed",mode="dry"}': "0+90x100",
        },
        {"kind": "import"},
    ),
    Case(
        "KingsyncCompaniesSilent",
        "11m",
        {'kingsync_silences{kind="no_export"}': "2x20"},
        {'kingsync_silences{kind="no_export"}': "0x20"},
        {"kind": "no_export"},
        "2",
    ),
    Case(
        "KingsyncWorkOrdersWait",
        "31m",
        {'kingsync_oldest_work_order_seconds{state="waiting"}': "90000x40"},
        {'kingsync_oldest_work_order_seconds{state="held"}': "90000x40"},
    ),
    Case(
        "KingsyncOutcomeUnknown",
        "121m",
        {'kingsync_work_orders{state="uncertain"}': "3x130"},
        {'kingsync_work_orders{state="uncertain"}': "0x130", 'kingsync_work_orders{state="held"}': "3x130"},
        value="3",
    ),
    Case(
        "KingsyncSystemSlow",
        "40m",
        {
            f'kingsync_call_seconds_bucket{{{CALLS},le="10"}}': "0x50",
            f'kingsync_call_seconds_bucket{{{CALLS},le="30"}}': "0+10x50",
            f'kingsync_call_seconds_bucket{{{CALLS},le="+Inf"}}': "0+10x50",
        },
        {
            f'kingsync_call_seconds_bucket{{{CALLS},le="10"}}': "0+10x50",
            f'kingsync_call_seconds_bucket{{{CALLS},le="30"}}': "0+10x50",
            f'kingsync_call_seconds_bucket{{{CALLS},le="+Inf"}}': "0+10x50",
        },
        {"system": "king"},
    ),
    Case(
        "KingsyncCallsFail",
        "40m",
        {
            f'kingsync_calls_total{{{CALLS},outcome="timeout"}}': "0+3x50",
            f'kingsync_calls_total{{{CALLS},outcome="ok"}}': "0+7x50",
        },
        {
            f'kingsync_calls_total{{{CALLS},outcome="timeout"}}': "0+1x50",
            f'kingsync_calls_total{{{CALLS},outcome="rejected"}}': "0+9x50",
        },
        {"system": "king"},
    ),
    Case(
        "KingsyncPagesBreak",
        "15m",
        {'kingsync_page_requests_total{view="start",status="500"}': "0+1x20"},
        {'kingsync_page_requests_total{view="start",status="404"}': "0+9x20"},
    ),
    Case(
        "KingsyncMailRefused",
        "31m",
        {"kingsync_companies_with_unsent_mail": "1x40"},
        {"kingsync_companies_with_unsent_mail": "0x40"},
    ),
)


def rules() -> dict[str, dict[str, dict[str, str]]]:
    return {rule["alert"]: rule for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]}


def test_every_rule_has_a_case() -> None:
    assert {case.alert for case in CASES} == set(rules())


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not here (Debian: apt-get install prometheus)")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert)
def test_a_rule_fires_on_what_it_is_about_and_on_nothing_else(case: Case, tmp_path: Path) -> None:
    shutil.copy(RULES, tmp_path)
    tests = [_test(case, case.fires, is_firing=True), _test(case, case.quiet, is_firing=False)]
    # JSON is YAML too.
    (tmp_path / "cases.yml").write_text(json.dumps({"rule_files": ["alerts.yml"], "tests": tests}))

    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", "cases.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def _test(case: Case, series: dict[str, str], *, is_firing: bool) -> dict[str, object]:
    rule = rules()[case.alert]
    texts = {name: _filled(text, case) for name, text in rule["annotations"].items()}
    expected = [{"exp_labels": rule["labels"] | case.labels, "exp_annotations": texts}] if is_firing else []
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "alert_rule_test": [{"eval_time": case.after, "alertname": case.alert, "exp_alerts": expected}],
    }


def _filled(text: str, case: Case) -> str:
    """Fill in a text as Prometheus does."""
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: case.labels[found[1]], text)
    return text.replace("{{ $value }}", case.value)
