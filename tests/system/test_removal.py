"""How an installed sightd is upgraded, and how it goes; the last tests that the machine of this folder is for."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ..waiting import until
from .machine import Machine
from .service import CONFIG, INSTALL, begin, load, outcomes, queue_of, ready, running

TOP = Path(__file__).parents[2]


def test_upgrade(machine: Machine, package: Path, tmp_path: Path) -> None:
    """An upgrade keeps an edited configuration, restarts the running service after its requests, and can be undone."""
    subprocess.run(["dpkg-deb", "-R", package, tmp_path / "tree"], check=True)
    control = tmp_path / "tree" / "DEBIAN" / "control"
    control.write_text(control.read_text().replace("Version: ", "Version: 9."))
    with (tmp_path / "tree" / CONFIG.lstrip("/")).open("a") as shipped:
        shipped.write("# A new default.\n")
    subprocess.run(["dpkg-deb", "-Zgzip", "-b", tmp_path / "tree", machine.root / "root" / "new.deb"], check=True)
    machine.write(CONFIG, "[limits]\nqueue = 77\n")
    begin(machine)
    before = machine.show("MainPID")
    clients = load(machine, 1, 3, 200)
    until(lambda: running(machine) == 3, 20, "requests under way")
    machine.must(*INSTALL, "/root/new.deb")
    assert outcomes(clients) == {"200": 3}
    assert machine.show("MainPID") != before
    assert ready(machine)
    assert queue_of(machine) == 77
    machine.must("test", "-e", f"{CONFIG}.dpkg-dist")
    machine.must(*INSTALL, f"/root/{package.name}")
    assert ready(machine)


def test_another_runtime(machine: Machine) -> None:
    """When what it runs on was replaced, the running service goes on with the new, after its requests."""
    begin(machine)
    before = machine.show("MainPID")
    clients = load(machine, 1, 2, 200)
    until(lambda: running(machine) == 2, 20, "requests under way")
    machine.must("dpkg-trigger", "--by-package=sightd-runtime-cpu", "/usr/lib/sightd-runtime")
    machine.must("dpkg", "--triggers-only", "--pending")
    assert outcomes(clients) == {"200": 2}
    assert machine.show("MainPID") != before
    assert ready(machine)


def test_another_variant(machine: Machine, tmp_path: Path) -> None:
    """A runtime for another device takes the place of the one that is there, and sightd stays."""
    control = TOP / "packaging" / "runtime" / "control.sh"
    (tmp_path / "usr/lib/sightd-runtime").mkdir(parents=True)
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1"}
    subprocess.run([control, "cu130", "2026.11", tmp_path], env=environment, check=True)
    subprocess.run(["dpkg-deb", "-Zgzip", "-b", tmp_path, machine.root / "root" / "cu130.deb"], check=True)
    said = machine.must("apt-get", "-o", "Dir::Etc::sourcelist=/dev/null", "-s", "install", "/root/cu130.deb")
    assert "Remv sightd-runtime-cpu" in said
    assert "Inst sightd-runtime-cu130" in said
    assert "Remv sightd " not in said


def test_purge(machine: Machine) -> None:
    """Purging takes the configuration and says that the models stay."""
    machine.write("/var/lib/sightd/models/mine/config.json", "{}")
    machine.write("/etc/sightd/conf.d/own.toml", "")
    done = machine.run("dpkg", "--purge", "sightd")
    assert done.returncode == 0
    assert "/var/lib/sightd is kept" in done.stderr
    assert machine.run("test", "-e", "/etc/sightd").returncode != 0
    assert machine.run("test", "-e", "/usr/lib/sightd").returncode != 0
    machine.must("test", "-e", "/var/lib/sightd/models/mine/config.json")
