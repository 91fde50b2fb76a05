"""Debian's own tools on an installed sightd."""

from __future__ import annotations

import shutil
from pathlib import Path

from .machine import Machine
from .service import begin

TOP = Path(__file__).parents[2]
TREE = "/root/source"
LIBRARY = "/lib/x86_64-linux-gnu/libz.so.1"


def test_autopkgtest(machine: Machine) -> None:
    """The package's own tests pass; the self-test that they start runs inside of the same fences as the service, without
    a network, beside it."""
    begin(machine)
    shutil.copytree(TOP / "packaging" / "debian", machine.root / "root" / "source" / "debian")
    # The container is the machine of its own that the tests ask for.
    options = ("--no-built-binaries", "--ignore-restrictions=isolation-machine")
    said = machine.must("autopkgtest", *options, TREE, "--", "null", seconds=400)
    assert "smoke" in said
    assert "PASS" in said
    assert "All answers are right." in machine.must("journalctl", "-u", "sightd-selftest", "-o", "cat", "--no-pager")


def test_needrestart_leaves_it_alone(machine: Machine) -> None:
    """When a library that it uses was replaced, needrestart sees that and restarts others, but not sightd."""
    begin(machine)
    before = machine.show("MainPID")
    # A file of the same content in the place of the one that is mapped, as an upgrade makes it.
    machine.must(
        "sh",
        "-c",
        "cd /lib/x86_64-linux-gnu && cp libz.so.1 /root/libz && cp --remove-destination /root/libz $(readlink -f libz.so.1)",
    )
    assert "sightd.service" in machine.must("needrestart", "-b", "-r", "l")
    machine.must("needrestart", "-r", "a")
    assert machine.show("MainPID") == before
