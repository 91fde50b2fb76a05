"""What watches the fleet: Prometheus, Grafana's files, the report, and the look at cards."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from ..waiting import until
from .checks import passed, stopped
from .fleet import TOP, Fleet

MONITORING = TOP / "packaging" / "monitoring"
CARD = "{}, NVIDIA H100 80GB HBM3, 570.86.15, Enabled"
SMI = "/usr/local/bin/nvidia-smi"
GRAFANA = "[Service]\nExecStart=/bin/sleep infinity\n"


def prometheus(fleet: Fleet, path: str, *arguments: str) -> dict[str, Any]:
    """What Prometheus on the monitor answers."""
    url = f"http://127.0.0.1:9090/api/v1/{path}"
    encoded = [part for argument in arguments for part in ("--data-urlencode", argument)]
    return dict(json.loads(fleet.hosts["gate"].must("curl", "-sG", url, *encoded)))


def test_watched(serving: Fleet) -> None:
    """Prometheus on the monitor scrapes all servers and the gateway, and goes by sightd's rules."""

    def all_up() -> bool:
        found = prometheus(serving, "query", "query=up == 1")["data"]["result"]
        return {row["metric"]["host"] for row in found} == serving.hosts.keys()

    until(all_up, 60, "every target up")
    told = yaml.safe_load((MONITORING / "sightd.rules.yml").read_text())
    loaded = prometheus(serving, "rules")["data"]["groups"]
    assert {group["name"]: len(group["rules"]) for group in loaded} == {
        group["name"]: len(group["rules"]) for group in told["groups"]
    }
    assert not [rule for group in loaded for rule in group["rules"] if rule["health"] == "err"]


def test_dashboard(serving: Fleet) -> None:
    """Grafana, of which there is only the folder and the unit here, is given the dashboard and its data source and is
    started again; Prometheus understands every question of the dashboard."""
    gate = serving.hosts["gate"]
    gate.must("mkdir", "-p", "/etc/grafana/provisioning/dashboards", "/etc/grafana/provisioning/datasources")
    gate.write("/etc/systemd/system/grafana-server.service", GRAFANA)
    gate.must("systemctl", "start", "grafana-server")
    before = gate.show("InvocationID", "grafana-server")
    run = serving.play("site", "--tags", "monitoring", extra={"monitoring_grafana": True})
    assert passed(run)
    assert [run.changed[name] for name in serving.servers] == [0] * len(serving.servers)
    assert gate.show("InvocationID", "grafana-server") != before
    (provider,) = yaml.safe_load(gate.must("cat", "/etc/grafana/provisioning/dashboards/sightd.yaml"))["providers"]
    (source,) = yaml.safe_load(gate.must("cat", "/etc/grafana/provisioning/datasources/sightd.yaml"))["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "http://127.0.0.1:9090")
    dashboard = json.loads(gate.must("cat", f"{provider['options']['path']}/sightd.json"))
    assert dashboard == json.loads((MONITORING / "sightd.dashboard.json").read_text())
    for target in (target for panel in dashboard["panels"] for target in panel["targets"]):
        asked = target["expr"].replace("$__rate_interval", "1m").replace("$instance", ".*")
        assert prometheus(serving, "query", f"query={asked}")["status"] == "success", asked


def test_report(serving: Fleet) -> None:
    """report.yml shows versions, models and health."""
    run = serving.play("report")
    assert passed(run)
    for name in serving.servers:
        assert f"{name} {serving.version(name)} " in run.said, run.said[-2000:]
    assert run.said.count(" ok ") >= len(serving.servers)


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        ([CARD.format(0)], "should have 2 cards"),
        ([CARD.format(0), CARD.format(1).replace("570.86.15", "535.1")], "with driver 550 or newer"),
        ([CARD.format(0), CARD.format(1).replace("Enabled", "Disabled")], "systemctl enable --now nvidia-persistenced"),
        ([], "Failed to initialize NVML"),
    ],
    ids=["too few", "old driver", "no persistence", "driver does not answer"],
)
def test_cards_that_do_not_fit(serving: Fleet, cards: list[str], said: str) -> None:
    """Cards that are not as the inventory says stop the play with what to do; nothing is installed."""
    show_cards(serving, cards)
    assert stopped(serving.play("site", extra={"gpu_expected": 2}), said)


def test_cards_that_fit(serving: Fleet) -> None:
    """Cards that are as the inventory says are passed over without a change."""
    show_cards(serving, [CARD.format(0), CARD.format(1)])
    run = serving.play("site", "--tags", "always", extra={"gpu_expected": 2})
    assert passed(run)
    assert set(run.changed.values()) == {0}


def show_cards(fleet: Fleet, cards: list[str]) -> None:
    """From now on nvidia-smi of every server shows these cards; with none it fails."""
    lines = "\n".join(cards) or "Failed to initialize NVML: Driver/library version mismatch"
    for name in fleet.servers:
        fleet.hosts[name].write(SMI, f"#!/bin/sh\ncat <<'END'\n{lines}\nEND\nexit {0 if cards else 18}\n")
        fleet.hosts[name].must("chmod", "755", SMI)
