"""Bare hosts: what is wrong is said before they are touched, what would be done is shown, and then it is done.

These tests need hosts that nothing was done with, so they come first.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..waiting import until
from .checks import ask, gateway_up, passed, stopped, untouched
from .fleet import Fleet

SHORT = {"name": "a", "key": "short", "created": "2026-11-21T00:00:00Z"}
LONG = SHORT | {"key": "k" * 40}
SPOILT = "-----BEGIN CERTIFICATE-----\nspoilt\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n"


@pytest.mark.parametrize(
    ("extra", "more", "said"),
    [
        ({"sightd_port": "eight"}, {}, "'sightd_port' is of type"),
        ({"gateway_port": "eighty"}, {}, "'gateway_port' is of type"),
        ({"monitoring_grafana": "perhaps"}, {}, "'monitoring_grafana' is of type"),
        ({"gpu_expected": "all"}, {}, "'gpu_expected' is of type"),
        ({"sightd_keys": []}, {}, "sightd_keys is empty"),
        ({"sightd_keys": "{{ vault_of_another_name }}"}, {}, "a secret is missing in the vault"),
        ({"sightd_keys": [SHORT]}, {}, "is no key"),
        ({"sightd_keys": [LONG, LONG]}, {}, "every name must be there once"),
        ({"gateway_tls": True}, {}, "gateway_certificate has no certificate"),
        ({"gateway_tls": True, "gateway_certificate": SPOILT}, {}, "it is no PEM, it has expired"),
        ({"gateway_certificate": "{{ vault_of_another_name }}"}, {}, "a secret is missing in the vault"),
        ({"sightd_bundle_key_sha256": "0" * 64}, {}, "is signed with another key"),
        ({"sightd_bundle": "/nowhere.tar"}, {}, "There is no bundle at '/nowhere.tar'"),
        ({"sightd_memory_mib": 10**9}, {}, "MiB of memory"),
        ({"gpu_expected": 8}, {}, "this role installs none"),
        ({"sightd_port": 22}, {}, "is taken by another program"),
        ({"gateway_port": 22}, {}, "is taken by another program"),
        ({"gateway_metrics_bind": "0.0.0.0:22"}, {}, "set gateway_port or gateway_metrics_bind"),
        ({"monitoring_listen": "127.0.0.1:22"}, {}, "set monitoring_listen"),
        ({"monitoring_grafana": True}, {}, "has no /etc/grafana/provisioning"),
        ({}, {"gone": "10.213.77.99"}, "fatal: [gone]: UNREACHABLE"),
    ],
    ids=[
        *["wrong type", "wrong type gateway", "wrong type monitor", "wrong type cards"],
        *[
            "no key",
            "no secret",
            "short secret",
            "one name twice",
            "no certificate",
            "spoilt certificate",
            "no secret certificate",
        ],
        *["foreign bundle", "no bundle", "memory", "no driver"],
        *["port", "port gateway", "port metrics", "port monitor", "no Grafana", "unreachable"],
    ],
)
def test_bad_input(fleet: Fleet, extra: dict[str, Any], more: dict[str, str], said: str) -> None:
    """What is wrong is said before anything is changed anywhere."""
    assert stopped(fleet.play("site", extra=extra, more=more), said)
    assert all(untouched(fleet, name) for name in fleet.hosts)


def test_closed_vault(fleet: Fleet) -> None:
    """Without the vault's password nothing is begun."""
    run = fleet.play("site", opened=False)
    assert run.status != 0
    assert "no vault secrets found" in run.said, run.said[-3000:]
    assert all(untouched(fleet, name) for name in fleet.hosts)


def test_full_disk(fleet: Fleet) -> None:
    """A full disk on one of the servers stops the play before anything is changed on any."""
    two = fleet.hosts["two"]
    two.must("mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", "/srv")
    two.run("dd", "if=/dev/zero", "of=/srv/full", "bs=1M")
    try:
        assert stopped(fleet.play("site"), "Make room there")
    finally:
        two.must("umount", "/srv")
    assert all(untouched(fleet, name) for name in fleet.hosts)


def test_no_python(fleet: Fleet) -> None:
    """A host without Python is told of in a sentence."""
    one = fleet.hosts["one"]
    one.must("mv", "/usr/bin/python3", "/usr/bin/python3.away")
    try:
        assert stopped(fleet.play("site"), "apt-get install python3 python3-apt")
    finally:
        one.must("mv", "/usr/bin/python3.away", "/usr/bin/python3")
    assert all(untouched(fleet, name) for name in fleet.hosts)


def test_shown_first(fleet: Fleet) -> None:
    """--check --diff on hosts that have nothing says what would be done and does none of it."""
    run = fleet.play("site", "--check", "--diff")
    assert passed(run)
    assert "sightd 0.1.0 would be installed" in run.said
    assert all(count for count in run.changed.values())
    assert all(untouched(fleet, name) for name in fleet.hosts)


def test_from_bare_to_answering(fleet: Fleet) -> None:
    """site.yml makes two bare hosts and a bare gateway, none with a package source, a service that answers; a second
    run changes nothing, nor would a run in check mode."""
    assert passed(fleet.play("site"))
    until(lambda: gateway_up(fleet) == fleet.servers, 20, "both servers at the gateway")
    answer = ask(fleet)
    assert answer.status_code == 200, answer.text
    for options in ((), ("--check", "--diff")):
        again = fleet.play("site", *options)
        assert passed(again)
        assert set(again.changed.values()) == {0}, (fleet.folder / "last-run").read_text()
