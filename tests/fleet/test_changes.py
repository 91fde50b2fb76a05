"""Upgrades, models, keys and settings of a fleet that is at work, on real systemds. Each test can be run without the
others.
"""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

import httpx

from .checks import answered_all, gateway_up, passed, stopped
from .fleet import Fleet

CLIENTS = 2
EMBEDDED = Path(__file__).parents[2] / "service" / "sightd" / "selftest" / "sightd-tiny-vl"
INSTALLED = "/usr/lib/sightd/sightd/selftest/sightd-tiny-vl"
STORE = "/var/lib/sightd/models"


def model(serving: Fleet, name: str) -> str:
    """The model that a server says it has."""
    url = f"http://{serving.hosts[name].address}:8000/health"
    return str(httpx.get(url, headers={"Authorization": f"Bearer {serving.key}"}, timeout=10).json()["model"])


def with_limits(serving: Fleet, queue: object) -> dict[str, dict[str, object]]:
    """The settings with another length of the queue, which a reload takes over."""
    return serving.variables["sightd_settings"] | {"limits": {"queue": queue}}


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
    """--check --diff says what a rollout would do, settings line by line, and does none of it."""
    before, new = serving.versions, serving.newer()
    with serving.other_bundle(new):
        serving.variables["sightd_settings"] = with_limits(serving, 76)
        run = serving.play("rollout", "--check", "--diff")
    assert passed(run)
    assert f"sightd {before['one']} would be replaced by {new}" in run.said
    assert "+queue = 76" in run.said
    assert all(run.changed[name] for name in serving.servers)
    assert serving.versions == before
    live = "/etc/sightd/conf.d/45-ansible-live.toml"
    assert not any("76" in serving.hosts[name].must("cat", live) for name in serving.servers)


def test_limits_take_no_restart(serving: Fleet) -> None:
    """New limits are taken over by the processes that serve."""
    before = [serving.hosts[name].show("InvocationID") for name in serving.servers]
    serving.variables["sightd_settings"] = with_limits(serving, 77)
    run = serving.play("rollout")
    assert passed(run)
    assert all(run.changed[name] for name in serving.servers)
    assert [serving.hosts[name].show("InvocationID") for name in serving.servers] == before


def test_bad_setting_goes_back(serving: Fleet) -> None:
    """A setting that the service does not take is said, and taken back on a server that served all the while."""
    live = "/etc/sightd/conf.d/45-ansible-live.toml"
    good = serving.variables["sightd_settings"]
    before = [
        (serving.hosts[name].show("InvocationID"), serving.hosts[name].must("cat", live)) for name in serving.servers
    ]
    serving.variables["sightd_settings"] = with_limits(serving, "many")
    try:
        run = serving.play("rollout")
    finally:
        serving.variables["sightd_settings"] = good
    assert run.status != 0
    assert "limits.queue = 'many'" in run.said, run.said[-3000:]
    assert f"It serves again with sightd {serving.version('one')}" in run.said, run.said[-3000:]
    now = [
        (serving.hosts[name].show("InvocationID"), serving.hosts[name].must("cat", live)) for name in serving.servers
    ]
    assert now == before
    assert gateway_up(serving) == serving.servers


def test_apt_repository(serving: Fleet) -> None:
    """Servers take a version from the package sources that they have; one that no source has is refused."""
    before, new = serving.versions, serving.newer()
    serving.carry(new)
    assert passed(serving.play("bundle"))
    source = {"sightd_source": "repository"}
    missing = serving.play("rollout", extra=source | {"sightd_version": "9.9.9"})
    assert stopped(missing, f"has sightd 9.9.9. They have {new}")
    assert serving.versions == before
    assert passed(serving.play("rollout", extra=source | {"sightd_version": new}))
    assert set(serving.versions.values()) == {new}


def test_rollout_under_load(serving: Fleet) -> None:
    """A bundle is carried first, which changes nothing that runs; then an upgrade of all servers under load fails no
    request."""
    before, new = serving.versions, serving.newer()
    serving.carry(new)
    assert passed(serving.play("bundle"))
    assert serving.versions == before
    with serving.load(CLIENTS) as outcomes:
        assert passed(serving.play("rollout"))
    assert answered_all(outcomes)
    assert set(serving.versions.values()) == {new}
    assert gateway_up(serving) == serving.servers


def test_older_bundle(serving: Fleet) -> None:
    """An older bundle than what runs is refused before it is carried anywhere."""
    before = serving.versions
    with serving.other_bundle("0.0.9"):
        run = serving.play("rollout")
    assert stopped(run, "0.0.9 is older")
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


def test_model_switched_under_load(serving: Fleet, tmp_path: Path) -> None:
    """A model is imported while the old one serves, and then replaces it on server after server; no request fails."""
    other = tmp_path / "other"
    shutil.copytree(EMBEDDED, other)
    serving.carry(serving.newer(), models=(other,))
    serving.variables |= {"sightd_model": "lab/other", "sightd_model_source": "models/other"}
    with serving.load(CLIENTS) as outcomes:
        assert passed(serving.play("switch_model"))
    assert answered_all(outcomes)
    assert {model(serving, name) for name in serving.servers} == {"other"}
    assert gateway_up(serving) == serving.servers


def spoil(config: str) -> str:
    """A model's configuration with one layer more than there are weights for."""
    spoilt = config.replace('"num_hidden_layers": 4', '"num_hidden_layers": 5')
    assert spoilt != config
    return spoilt


def test_bad_model_is_not_kept(serving: Fleet, tmp_path: Path) -> None:
    """A model whose weights do not fit is refused before any server is drained, and is in no store afterwards."""
    spoilt = tmp_path / "spoilt"
    shutil.copytree(EMBEDDED, spoilt)
    (spoilt / "config.json").write_text(spoil((EMBEDDED / "config.json").read_text()))
    before = [serving.hosts[name].show("InvocationID") for name in serving.servers]
    wanted = {"sightd_model": "bad/spoilt", "sightd_model_source": "models/spoilt"}
    with serving.other_bundle(serving.newer(), models=(spoilt,)):
        run = serving.play("switch_model", extra=wanted)
    assert run.status != 0
    assert "bad/spoilt is not kept in the store of one: " in run.said, run.said[-3000:]
    assert "11 weights are missing" in run.said, run.said[-3000:]
    assert [serving.hosts[name].show("InvocationID") for name in serving.servers] == before
    assert all(serving.hosts[name].run("ls", f"{STORE}/bad/spoilt/imported").returncode for name in serving.servers)


def test_bad_model_goes_back(serving: Fleet) -> None:
    """A model that was spoilt after it came into the stores, which is seen where it is loaded, is taken back from the first
    server together with the version that came with it; the second is not touched, and no request fails."""
    before = serving.versions
    config = f"{STORE}/bad/loaded/imported/config.json"
    for host in (serving.hosts[name] for name in serving.servers):
        command = ["sightctl", "model", "import", INSTALLED, "--name", "bad/loaded", "--revision", "imported"]
        host.must("install", "-d", "-m", "750", "-o", "sightd", "-g", "sightd", STORE)
        host.must("runuser", "-u", "sightd", "--", *command, "--store", STORE)
        host.write(config, spoil(host.must("cat", config)))
    with serving.other_bundle(serving.newer()), serving.load(CLIENTS) as outcomes:
        run = serving.play("switch_model", extra={"sightd_model": "bad/loaded"})
    assert run.status != 0
    assert f"It serves again with sightd {before['one']}" in run.said, run.said[-3000:]
    assert "11 weights are missing" in run.said, run.said[-3000:]
    assert answered_all(outcomes)
    assert serving.versions == before
    assert gateway_up(serving) == serving.servers
