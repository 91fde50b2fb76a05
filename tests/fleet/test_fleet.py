"""The life of a fleet, from bare hosts to a killed one, on real systemds. The order matters."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..waiting import until
from .fleet import BIN, COLLECTIONS, Fleet, Run

CLIENTS = 2
EMBEDDED = Path(__file__).parents[2] / "service" / "sightd" / "selftest" / "sightd-tiny-vl"


def untouched(fleet: Fleet, name: str) -> bool:
    """Whether a host has nothing of sightd."""
    host = fleet.hosts[name]
    return not fleet.version(name) and host.run("ls", "/srv/sightd").returncode != 0


def passed(run: Run) -> bool:
    """Whether a run had no failure; shows the end of what it said otherwise."""
    assert run.status == 0, run.said[-3000:]
    return True


def gateway_up(fleet: Fleet) -> list[str]:
    """The servers that the gateway sends requests to."""
    metrics = httpx.get(f"http://{fleet.hosts['gate'].address}:8405/metrics", timeout=10).text
    start = 'haproxy_server_status{proxy="sightd",server="'
    up = [
        line for line in metrics.splitlines() if line.startswith(start) and 'state="UP"' in line and line.endswith(" 1")
    ]
    return [line.removeprefix(start).partition('"')[0] for line in up]


@pytest.mark.parametrize(
    ("extra", "more", "said"),
    [
        ({"sightd_port": "eight"}, {}, "'sightd_port' is of type"),
        ({"sightd_keys": []}, {}, "sightd_keys is empty"),
        ({"sightd_keys": [{"name": "a", "key": "short", "created": "2026-11-21T00:00:00Z"}]}, {}, "is no key"),
        ({"sightd_bundle_key_sha256": "0" * 64}, {}, "is signed with another key"),
        ({"sightd_memory_mib": 10**9}, {}, "MiB of memory"),
        ({"sightd_disk_mib": 10**9}, {}, "Make room there"),
        ({"gpu_expected": 8}, {}, "this role installs none"),
        ({}, {"gone": "10.213.77.99"}, "fatal: [gone]: UNREACHABLE"),
    ],
    ids=["wrong type", "no secret", "short secret", "foreign bundle", "memory", "disk", "no driver", "unreachable"],
)
def test_bad_input(fleet: Fleet, extra: dict[str, Any], more: dict[str, str], said: str) -> None:
    """What is wrong is said before anything is changed anywhere."""
    run = fleet.play("site", extra=extra, more=more)
    assert run.status != 0
    assert said in run.said, run.said[-3000:]
    assert all(untouched(fleet, name) for name in ("one", "two"))


def test_from_bare_to_answering(fleet: Fleet) -> None:
    """site.yml makes two bare hosts and a bare gateway a service that answers, and a second run changes nothing."""
    assert passed(fleet.play("site"))
    question = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 4}
    until(lambda: len(gateway_up(fleet)) == 2, 20, "both servers at the gateway")
    answer = httpx.post(
        f"{fleet.url}/v1/chat/completions",
        json=question,
        headers={"Authorization": f"Bearer {fleet.key}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    again = fleet.play("site")
    assert passed(again)
    assert set(again.changed.values()) == {0}, (fleet.folder / "last-run").read_text()


def test_watched(fleet: Fleet) -> None:
    """Prometheus on the monitor scrapes both servers and the gateway."""
    query = "curl -s 'http://127.0.0.1:9090/api/v1/query?query=count(up==1)'"
    until(lambda: '"3"' in fleet.hosts["gate"].run("sh", "-c", query).stdout, 60, "three targets that are up")


def test_report(fleet: Fleet) -> None:
    """report.yml shows versions, models and health."""
    run = fleet.play("report")
    assert passed(run)
    assert "one 0.1.0 sightd-tiny-vl" in run.said, run.said[-2000:]
    assert run.said.count(" ok ") >= 2


def test_keys_rotate_under_load(fleet: Fleet) -> None:
    """New keys are in force everywhere before any client uses them, and no request fails; a key that was taken away is
    refused."""
    with fleet.load(CLIENTS) as outcomes:
        fleet.keys["second"] = secrets.token_urlsafe(40)
        assert passed(fleet.play("rotate_keys"))
        fleet.let_clients_use(fleet.key)
    assert set(outcomes) == {"whole"}, outcomes
    old = fleet.keys.pop("first")
    assert passed(fleet.play("rotate_keys"))
    refused = httpx.get(f"{fleet.url}/v1/models", headers={"Authorization": f"Bearer {old}"}, timeout=10)
    assert refused.status_code == 401


def test_check_mode_is_truthful(fleet: Fleet) -> None:
    """--check --diff says what a rollout would do and does none of it."""
    fleet.carry("0.2.0")
    run = fleet.play("rollout", "--check", "--diff")
    assert passed(run)
    assert "sightd 0.1.0 would be replaced by 0.2.0" in run.said
    assert [fleet.version(name) for name in ("one", "two")] == ["0.1.0", "0.1.0"]


def test_rollout_under_load(fleet: Fleet) -> None:
    """An upgrade of all servers under load fails no request."""
    with fleet.load(CLIENTS) as outcomes:
        assert passed(fleet.play("rollout"))
    assert set(outcomes) == {"whole"}, outcomes
    assert [fleet.version(name) for name in ("one", "two")] == ["0.2.0", "0.2.0"]
    assert sorted(gateway_up(fleet)) == ["one", "two"]


def test_older_bundle(fleet: Fleet) -> None:
    """An older bundle than what runs is refused."""
    good = dict(fleet.variables)
    fleet.carry("0.1.9")
    run = fleet.play("rollout")
    fleet.variables = good
    assert run.status != 0
    assert "0.1.9 is older" in run.said, run.said[-2000:]
    assert fleet.version("one") == "0.2.0"


def test_bad_package_goes_back(fleet: Fleet) -> None:
    """A version that does not start is taken back from the first server, the second is not touched, the reason is said,
    and no request fails."""
    good = dict(fleet.variables)
    fleet.carry("0.3.0", broken='echo "<3>the bad version cannot start" >&2; exit 1')
    with fleet.load(CLIENTS) as outcomes:
        run = fleet.play("rollout")
    fleet.variables = good
    assert run.status != 0
    assert "It serves again with sightd 0.2.0" in run.said, run.said[-3000:]
    assert "the bad version cannot start" in run.said, run.said[-3000:]
    assert set(outcomes) == {"whole"}, outcomes
    assert [fleet.version(name) for name in ("one", "two")] == ["0.2.0", "0.2.0"]
    assert sorted(gateway_up(fleet)) == ["one", "two"]


def test_bad_model_goes_back(fleet: Fleet, tmp_path: Path) -> None:
    """A model whose weights do not fit, which only an engine sees, is taken back in the same way."""
    model = tmp_path / "spoilt"
    shutil.copytree(EMBEDDED, model)
    config = model / "config.json"
    config.write_text(config.read_text().replace('"num_hidden_layers": 4', '"num_hidden_layers": 5'))
    good = dict(fleet.variables)
    fleet.carry("0.2.1", models=(model,))
    fleet.variables |= {"sightd_model": "bad/spoilt", "sightd_model_source": "models/spoilt"}
    with fleet.load(CLIENTS) as outcomes:
        run = fleet.play("switch_model")
    fleet.variables = good
    assert run.status != 0
    assert "It serves again with sightd 0.2.0" in run.said, run.said[-3000:]
    assert set(outcomes) == {"whole"}, outcomes
    assert sorted(gateway_up(fleet)) == ["one", "two"]


def test_host_added(fleet: Fleet) -> None:
    """A bare host that was written into the inventory serves after site.yml; the others are left alone."""
    fleet.boot("three", 14)
    run = fleet.play("site")
    assert passed(run)
    assert (run.changed["one"], run.changed["two"]) == (0, 0)
    until(lambda: sorted(gateway_up(fleet)) == ["one", "three", "two"], 20, "three servers at the gateway")


def test_vanished_host(fleet: Fleet) -> None:
    """A host that vanishes under load loses no request: the gateway asks another one."""
    with fleet.load(CLIENTS) as outcomes:
        until(lambda: fleet.status("one", "/readyz") == 200, 10, "a host at work")
        fleet.hosts["one"].vanish()
        until(lambda: sorted(gateway_up(fleet)) == ["three", "two"], 60, "a gateway that has noticed")
    assert set(outcomes) == {"whole"}, outcomes


def test_lint() -> None:
    """ansible-lint's production profile has nothing to say."""
    done = subprocess.run(
        [BIN / "ansible-lint", "--offline", "--profile", "production"],
        env=os.environ | {"PATH": f"{BIN}:{os.environ['PATH']}", "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)},
        cwd=Path(__file__).parents[2] / "ansible",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
