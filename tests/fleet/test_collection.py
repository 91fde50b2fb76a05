"""The collection itself, without hosts."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from .fleet import BIN, COLLECTIONS, TOP

ANSIBLE = TOP / "ansible"
ROLES = sorted(path.name for path in (ANSIBLE / "roles").iterdir())
INVENTORIES = sorted(path.name for path in (ANSIBLE / "inventories").iterdir())


def told(*command: str | Path, cwd: Path = ANSIBLE) -> subprocess.CompletedProcess[str]:
    """The outcome of one of Ansible's commands."""
    environment = os.environ | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_LOCALHOST_WARNING": "False",
    }
    return subprocess.run(
        [BIN / command[0], *command[1:]], env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )


def options(role: str) -> dict[str, Any]:
    """What a role takes."""
    specs = yaml.safe_load((ANSIBLE / "roles" / role / "meta" / "argument_specs.yml").read_text())
    return dict(specs["argument_specs"]["main"]["options"])


def test_lint() -> None:
    """ansible-lint's production profile has nothing to say."""
    done = told("ansible-lint", "--offline", "--profile", "production")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_described(role: str) -> None:
    """Every default of a role is an option of its argument_specs, with a description, and has the same value there."""
    described = options(role)
    defaults = yaml.safe_load((ANSIBLE / "roles" / role / "defaults" / "main.yml").read_text())
    assert defaults.keys() <= described.keys()
    assert all(option["description"] for option in described.values())
    stated = {name: option["default"] for name, option in described.items() if "default" in option}
    assert stated == {name: defaults[name] for name in stated}


@pytest.mark.parametrize("name", INVENTORIES)
def test_inventories_fit(name: str) -> None:
    """Every variable of an example inventory is one that a role or Ansible takes, and hosts are in groups that playbooks
    know."""
    done = told("ansible-inventory", "-i", ANSIBLE / "inventories" / name / "hosts.yml", "--list")
    assert done.returncode == 0, done.stderr
    told_of = json.loads(done.stdout)
    known = {option for role in ROLES for option in options(role)} | {"ansible_host"}
    hosts = told_of["_meta"]["hostvars"]
    assert {variable for variables in hosts.values() for variable in variables} <= known
    assert set(told_of["all"]["children"]) - {"ungrouped"} <= {"servers", "gateways", "monitors"}


@pytest.mark.parametrize("playbook", ["site", "rollout", "rotate-keys", "switch-model", "bundle", "report"])
def test_playbooks_read_well(playbook: str, tmp_path: Path) -> None:
    """Every playbook is there under its name, of valid syntax, for every example inventory."""
    for name in INVENTORIES:
        inventory = ANSIBLE / "inventories" / name / "hosts.yml"
        done = told(
            "ansible-playbook",
            "--syntax-check",
            "-i",
            inventory,
            ANSIBLE / "playbooks" / f"{playbook}.yml",
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr
