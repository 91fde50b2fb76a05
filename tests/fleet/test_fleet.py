"""The life of a fleet, from bare hosts to a vanished one, on real systemds.

Each test can be run without the others; the first ones need bare hosts and the last one leaves a host unreachable.
"""

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


def answered_all(outcomes: dict[str, int]) -> bool:
    """Whether every request under load had a whole answer."""
    assert set(outcomes) == {"whole"}, outcomes
    return True


def gateway_up(fleet: Fleet) -> list[str]:
    """The servers that the gateway sends requests to, in alphabetical order."""
    metrics = httpx.get(f"http://{fleet.hosts['gate'].address}:8405/metrics", timeout=10).text
    start = 'haproxy_server_status{proxy="sightd",server="'
    up = [
        line for line in metrics.splitlines() if line.startswith(start) and 'state="UP"' in line and line.endswith(" 1")
    ]
    return sorted(line.removeprefix(start).partition('"')[0] for line in up)


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
    assert all(untouched(fleet, name) for name in fleet.servers)


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


def test_watched(serving: Fleet) -> None:
    """Prometheus on the monitor scrapes both servers and the gateway."""
    query = "curl -s 'http://127.0.0.1:9090/api/v1/query?query=count(up==1)'"
    up = f'"{len(serving.hosts)}"'
    until(lambda: up in serving.hosts["gate"].run("sh", "-c", query).stdout, 60, "every target up")


def test_report(serving: Fleet) -> None:
    """report.yml shows versions, models and health."""
    run = serving.play("report")
    assert passed(run)
    assert f"one {serving.version('one')} sightd-tiny-vl" in run.said, run.said[-2000:]
    assert run.said.count(" ok ") >= 2


def test_keys_rotate_under_load(serving: Fleet) -> None:
    """New keys are in force everywhere before any client uses them, and no request fails; a key that was taken away is
    refused."""
    with serving.load(CLIENTS) as outcomes:
        serving.keys["second"] = secrets.token_urlsafe(40)
        assert passed(serving.play("rotate_keys"))
        serving.let_clients_use(serving.key)
    assert answered_all(outcomes)
    old = serving.keys.pop("first")
    assert passed(serving.play("rotate_keys"))
    refused = httpx.get(f"{serving.url}/v1/models", headers={"Authorization": f"Bearer {old}"}, timeout=10)
    assert refused.status_code == 401


def test_check_mode_is_truthful(serving: Fleet) -> None:
    """--check --diff says what a rollout would do and does none of it."""
    before, new = serving.versions, serving.newer()
    with serving.other_bundle(new):
        run = serving.play("rollout", "--check", "--diff")
    assert passed(run)
    assert f"sightd {before['one']} would be replaced by {new}" in run.said
    assert serving.versions == before


def test_rollout_under_load(serving: Fleet) -> None:
    """An upgrade of all servers under load fails no request."""
    new = serving.newer()
    serving.carry(new)
    with serving.load(CLIENTS) as outcomes:
        assert passed(serving.play("rollout"))
    assert answered_all(outcomes)
    assert set(serving.versions.values()) == {new}
    assert gateway_up(serving) == serving.servers


def test_older_bundle(serving: Fleet) -> None:
    """An older bundle than what runs is refused."""
    before = serving.versions
    with serving.other_bundle("0.0.9"):
        run = serving.play("rollout")
    assert run.status != 0
    assert "0.0.9 is older" in run.said, run.said[-2000:]
    assert serving.versions == before


def test_bad_package_goes_back(serving: Fleet) -> None:
    """A version that does not start is taken back from the first server, the second is not touched, the reason is said,
    and no request fails."""
    before, broken = serving.versions, 'echo "<3>the bad version cannot start" >&2; exit 1'
    with serving.other_bundle(serving.newer(), broken=broken), serving.load(CLIENTS) as outcomes:
        run = serving.play("rollout")
    assert run.status != 0
    assert f"It serves again with sightd {before['one']}" in run.said, run.said[-3000:]
    assert "the bad version cannot start" in run.said, run.said[-3000:]
    assert answered_all(outcomes)
    assert serving.versions == before
    assert gateway_up(serving) == serving.servers


def test_bad_model_goes_back(serving: Fleet, tmp_path: Path) -> None:
    """A model whose weights do not fit, which only an engine sees, is taken back in the same way."""
    model = tmp_path / "spoilt"
    shutil.copytree(EMBEDDED, model)
    config = model / "config.json"
    config.write_text(config.read_text().replace('"num_hidden_layers": 4', '"num_hidden_layers": 5'))
    before = serving.versions
    with serving.other_bundle(serving.newer(), models=(model,)), serving.load(CLIENTS) as outcomes:
        serving.variables |= {"sightd_model": "bad/spoilt", "sightd_model_source": "models/spoilt"}
        run = serving.play("switch_model")
    assert run.status != 0
    assert f"It serves again with sightd {before['one']}" in run.said, run.said[-3000:]
    assert answered_all(outcomes)
    assert serving.versions == before
    assert gateway_up(serving) == serving.servers


def test_host_added(serving: Fleet) -> None:
    """A bare host that was written into the inventory serves after site.yml; the others are left alone."""
    old = serving.servers
    serving.boot("three", 14)
    run = serving.play("site")
    assert passed(run)
    assert [run.changed[name] for name in old] == [0] * len(old)
    until(lambda: gateway_up(serving) == serving.servers, 20, "three servers at the gateway")


def test_vanished_host(serving: Fleet) -> None:
    """A host that vanishes under load loses no request: the gateway asks another one."""
    with serving.load(CLIENTS) as outcomes:
        until(lambda: serving.status("one", "/readyz") == 200, 10, "a host at work")
        serving.hosts["one"].vanish()
        left = [name for name in serving.servers if name != "one"]
        until(lambda: gateway_up(serving) == left, 60, "a gateway that has noticed")
    assert answered_all(outcomes)


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
