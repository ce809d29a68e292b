"""Each alert fires when it must and does not when it must not, as promtool evaluates the manifests' rules; and has its page."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from observability.files import GROUPS, alerts
from observability.rules import RUNBOOKS
from observability.service_rules import FAULTS
from serving.errors import STATUSES
from tests.observability.alert_cases import CASES, Case
from tests.servers.prometheus import find_program

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "manifests" / "monitoring" / "rules"
PAGES = ROOT / "docs" / "runbooks"
HEADINGS = ["Means", "Look", "Do"]


@pytest.fixture(scope="module")
def rule_files(tmp_path_factory):
    """The manifests' PrometheusRules as rule files of Prometheus, by group."""
    folder = tmp_path_factory.mktemp("rules")
    for path in MANIFESTS.glob("*.yaml"):
        if path.stem != "kustomization":
            (folder / path.name).write_text(json.dumps(yaml.safe_load(path.read_text())["spec"]))
    return {path.stem: path for path in sorted(folder.iterdir())}


def promtool(*arguments):
    done = subprocess.run(
        [find_program("promtool"), *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def alert_of(case: Case):
    """The alert, of those of that name the one with the case's labels."""
    named = [alert for alert in alerts() if alert.name == case.alert]
    return next((each for each in named if each.labels.items() <= (case.labels or {}).items()), named[0])


def expected(case: Case) -> list[dict]:
    """What promtool must see firing: all labels, and the annotations with the case's labels and value in place."""
    if case.labels is None:
        return []
    alert, labels = alert_of(case), dict(case.labels)
    texts = {"summary": alert.summary, "description": alert.description}
    shown = {name: re.sub(r"{{ \$value[^}]*}}", case.value, text) for name, text in texts.items()}
    shown = {name: re.sub(r"{{ \$labels\.(\w+) }}", lambda found: labels[found[1]], text) for name, text in shown.items()}
    page = {"runbook_url": f"{RUNBOOKS}/{alert.full_name}.md"}
    return [{"exp_labels": {"severity": alert.severity, **labels}, "exp_annotations": {**shown, **page}}]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}: {case.about}")
def test_alert_fires_when_it_must(case, rule_files, tmp_path):
    """With exactly the labels, the texts and the page that it should have, or not at all."""
    series = [{"series": name, "values": values} for name, values in case.series.items()]
    asked = {"eval_time": f"{case.minutes}m", "alertname": f"ClinicalNer{case.alert}", "exp_alerts": expected(case)}
    every, group = f"{case.step}m", next(each.name for each in GROUPS if alert_of(case) in each.alerts)
    test = {"interval": every, "input_series": series, "alert_rule_test": [asked]}
    path = tmp_path / "test.yaml"
    path.write_text(json.dumps({"rule_files": [str(rule_files[group])], "evaluation_interval": every, "tests": [test]}))
    assert "SUCCESS" in promtool("test", "rules", path)


def test_every_alert_has_cases():
    """Each rule fires in one of them, and each alert is silent in another."""
    fired = {(case.alert, frozenset(alert_of(case).labels.items())) for case in CASES if case.labels is not None}
    assert {(alert.name, frozenset(alert.labels.items())) for alert in alerts()} == fired
    assert {case.alert for case in CASES if case.labels is None} == {alert.name for alert in alerts()}


def test_rules_are_what_promtool_wants(rule_files):
    """No doubled rule, no unknown field, no wrong expression."""
    assert len(rule_files) == len(GROUPS)
    assert "SUCCESS" in promtool("check", "rules", *rule_files.values())


def test_faults_are_the_servers_own():
    """Of all statuses that the server can answer with, the rules count those as failures that are no caller's."""
    statuses = {status for each in STATUSES.values() for status in (str(each.http), each.grpc.name)}
    assert {status for status in statuses if re.fullmatch(FAULTS, status)} == {"500", "503", "INTERNAL", "UNAVAILABLE"}


@pytest.mark.parametrize("name", sorted({alert.full_name for alert in alerts()}))
def test_alert_has_a_page(name):
    """It says what the alert means, how to look and what to do, and is in the list of pages."""
    page = (PAGES / f"{name}.md").read_text()
    assert page.startswith(f"# {name}\n")
    assert re.findall(r"^## (.*)$", page, re.MULTILINE) == HEADINGS
    assert f"({name}.md)" in (PAGES / "README.md").read_text()


def test_every_page_has_an_alert():
    """A page of an alert that is gone misleads."""
    assert {path.stem for path in PAGES.glob("*.md")} - {"README"} == {alert.full_name for alert in alerts()}
