"""Dashboard, alert rules and document name metrics that exist, with labels that they have, in readable PromQL."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from devservers.places import CHECKOUT
from kingsync.watch import catalog
from tests import metric_documents

FILES = CHECKOUT / "deploy" / "watch"
SAMPLES = {sample: metric for metric in catalog.ALL for sample in metric.samples}
PROMTOOL = shutil.which("promtool")
FUNCTIONS = {"absent", "histogram_quantile", "increase", "max", "min", "rate", "sum", "topk"}
PAIRS = {")": "(", "]": "[", "}": "{"}


def of_alerts() -> list[str]:
    rules = yaml.safe_load((FILES / "alerts.yml").read_text())
    return [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def of_dashboard() -> list[str]:
    panels = json.loads((FILES / "dashboard.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def problems_of(query: str) -> list[str]:
    """Return what is wrong with a query: names, labels, brackets. A small part of what promtool checks."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', query)
    found = [f"no metric {name}" for name in re.findall(r"kingsync_\w+", bare) if name not in SAMPLES]
    labels = {label for name in re.findall(r"kingsync_\w+", bare) if name in SAMPLES for label in SAMPLES[name].labels}
    groups = [name.strip() for group in re.findall(r"\bby \(([^)]*)\)", bare) for name in group.split(",")]
    for name, selected in re.findall(r"(kingsync_\w+)\{([^}]*)\}", bare):
        own = SAMPLES[name].labels if name in SAMPLES else ()
        found += [f"{name} has no label {label}" for label in re.findall(r"(\w+)\s*[=!]", selected) if label not in own]
    found += [f"nothing has a label {name}" for name in groups if name not in labels | {"le"}]
    found += [f"no function {name}" for name in re.findall(r"(\w+)\s*\(", bare) if name not in FUNCTIONS | {"by"}]
    return found + ([] if _is_balanced(bare) else ["brackets"])


def _is_balanced(text: str) -> bool:
    opened: list[str] = []
    for sign in text:
        if sign in PAIRS.values():
            opened.append(sign)
        elif sign in PAIRS and (not opened or opened.pop() != PAIRS[sign]):
            return False
    return not opened and text.count('"') % 2 == 0


@pytest.mark.parametrize("query", [*of_alerts(), *of_dashboard()])
def test_a_query_names_what_exists(query: str) -> None:
    assert problems_of(query) == []
    assert "kingsync_" in query


@pytest.mark.parametrize(
    "query",
    [
        "kingsync_nothing",
        'kingsync_up{queue="x"}',
        "sum by (queue) (kingsync_up)",
        "sum(kingsync_up",
        "sums(kingsync_up)",
        'kingsync_up{part="x}',
        "rate(kingsync_run_seconds[5m])",
    ],
)
def test_a_wrong_query_is_found(query: str) -> None:
    assert problems_of(query) != []


def test_values_of_labels_in_queries_exist() -> None:
    text = " ".join([*of_alerts(), *of_dashboard()])
    outcomes = {word for part in re.findall(r'outcome=~?"([^"]+)"', text) for word in part.split("|")}

    assert outcomes <= {*catalog.OUTCOMES, *catalog.RUN_ENDS}


def test_every_metric_but_those_of_single_companies_is_on_the_dashboard() -> None:
    text = " ".join(of_dashboard())

    assert [metric.name for metric in catalog.ALL if metric.name not in text] == [catalog.COMPANY_GOOD.name]


def test_every_alert_says_what_it_means_and_what_to_do() -> None:
    rules = yaml.safe_load((FILES / "alerts.yml").read_text())["groups"][0]["rules"]

    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert all(rule["annotations"][name] for name in ("summary", "description"))


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not here (Debian: apt-get install prometheus)")
def test_prometheus_itself_accepts_rules_queries_and_configuration(tmp_path: Path) -> None:
    rules = {"groups": [{"name": "x", "rules": [{"record": f"x{n}", "expr": e} for n, e in enumerate(of_queries())]}]}
    (tmp_path / "dashboard.yml").write_text(yaml.safe_dump(rules))
    for name in ("alerts.yml", "prometheus.yml"):
        shutil.copy(FILES / name, tmp_path)
    (tmp_path / "kingsync-token").write_text("x")
    for arguments in (["rules", "alerts.yml", "dashboard.yml"], ["config", "prometheus.yml"]):
        done = subprocess.run(
            [str(PROMTOOL), "check", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def of_queries() -> list[str]:
    """Return the dashboard's queries, with Grafana's own variable filled in."""
    return [query.replace("$__rate_interval", "5m") for query in of_dashboard()]


def test_the_table_of_the_document_is_that_of_the_code() -> None:
    document = metric_documents.DOCUMENT.read_text()

    assert document == metric_documents.written(document), "Run: make docs"
