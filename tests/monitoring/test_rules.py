"""Alerts fire when they should and only then, each with a runbook; every metric that a rule asks for exists."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.stack.home import CHECKOUT
from tests.monitoring.names import known_metrics, metrics_in

FOLDER = CHECKOUT / "deploy" / "monitoring"
RUNBOOKS = CHECKOUT / "docs" / "runbooks"
CASES = Path(__file__).with_name("alerts.test.yml")


def rules(file: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / file).read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


ALERTS = rules("alerts.yml")


def tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        if os.environ.get("PAIDAN_CI"):
            pytest.fail(f"no {name}, and PAIDAN_CI is set: the alert rules must be tested here")
        pytest.skip(f"NOT TESTED: alert rules (no {name} here; apt-get install prometheus prometheus-alertmanager)")
    return found


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=FOLDER, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_accepts_its_configuration() -> None:
    run(tool("promtool"), "check", "config", "prometheus.yml")


def test_alertmanager_accepts_its_configuration() -> None:
    run(tool("amtool"), "check-config", "alertmanager.yml")


def test_alerts_fire_when_they_should() -> None:
    run(tool("promtool"), "test", "rules", str(CASES))


def test_every_alert_is_seen_firing_and_silent() -> None:
    cases = [
        case for test in yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"] for case in test["alert_rule_test"]
    ]
    fired = {case["alertname"] for case in cases if case.get("exp_alerts")}
    assert {alert["alert"] for alert in ALERTS} == fired


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_says_who_hears_it_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"].keys() == {"severity", "tier"}
    assert alert["labels"]["severity"] in ("page", "ticket") and alert["labels"]["tier"] in ("operator", "desk")
    assert re.search("[\u4e00-\u9fff]", alert["annotations"]["summary"]) and " | " in alert["annotations"]["summary"]
    page = CHECKOUT / alert["annotations"]["runbook"]
    assert page.read_text(encoding="utf-8").startswith(f"# {alert['alert']} ")


def test_every_runbook_belongs_to_an_alert_and_is_listed() -> None:
    pages = {page.name for page in RUNBOOKS.glob("*.md")} - {"README.md"}
    assert pages == {Path(alert["annotations"]["runbook"]).name for alert in ALERTS}
    assert pages == set(re.findall(r"\]\(([a-z-]+\.md)\)", (RUNBOOKS / "README.md").read_text(encoding="utf-8")))


def test_rules_ask_for_metrics_that_exist() -> None:
    recorded = {rule["record"] for rule in rules("recording.yml")}
    for rule in ALERTS + rules("recording.yml"):
        asked = metrics_in(rule["expr"])
        assert asked and asked <= known_metrics() | recorded | {"up"}, rule
