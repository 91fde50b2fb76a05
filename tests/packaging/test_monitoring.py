"""Rules and dashboard of packaging/monitoring."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..server import Server

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "packaging" / "monitoring"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((MONITORING / "sightd.rules.yml").read_text())["groups"] for rule in group["rules"]
]
ALERTS = [rule["alert"] for rule in RULES if "alert" in rule]
DASHBOARD = json.loads((MONITORING / "sightd.dashboard.json").read_text())


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_rules_do_what_they_say() -> None:
    """Every alert fires and stays silent where promtool's cases say so."""
    command = ["promtool", "test", "rules", "sightd.rules.test.yml"]
    done = subprocess.run(command, cwd=MONITORING, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_tested_and_explained(alert: str) -> None:
    """An alert has a case in which it fires, one in which it is silent, and a heading in the runbook it links to."""
    cases = [
        checked["exp_alerts"]
        for case in yaml.safe_load((MONITORING / "sightd.rules.test.yml").read_text())["tests"]
        for checked in case["alert_rule_test"]
        if checked["alertname"] == alert
    ]
    assert sorted(map(len, cases)) == [0, 1]
    (rule,) = (rule for rule in RULES if rule.get("alert") == alert)
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{alert.lower()}"
    assert f"\n## {alert}\n" in (ROOT / "docs" / "runbook.md").read_text()


def test_rules_and_dashboard_use_metrics_that_exist(server: Server) -> None:
    """Every metric in the rules and on the dashboard is one that the server has, or a recording rule's."""
    server.client.get("/v1/models")
    shown = re.findall(r"^# TYPE (\w+) (\w+)", server.client.get("/metrics").text, re.MULTILINE)
    known = {name for name, _ in shown} | {f"{name}_bucket" for name, kind in shown if kind == "histogram"}
    known |= {rule["record"] for rule in RULES if "record" in rule}
    expressions = [rule["expr"] for rule in RULES] + [t["expr"] for p in DASHBOARD["panels"] for t in p["targets"]]
    used = {name for text in expressions for name in re.findall(r"(?:instance:)?sightd_\w+(?::\w+)?", text)}
    assert used <= known, used - known
    assert used


def test_dashboard_is_complete() -> None:
    """The dashboard has an id of its own, variables for source and server, and a title, a unit and a place for every
    panel."""
    assert DASHBOARD["uid"] == "sightd-overview"
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "instance"]
    places = set()
    for panel in DASHBOARD["panels"]:
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert all("$instance" in target["expr"] for target in panel["targets"])
        places |= {
            (x, y)
            for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
            for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
        }
    assert len(places) == sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in DASHBOARD["panels"])
