"""The lock file of the runtime package."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"([\w.-]+)==([^\s+]+)(?:\+cpu)?(?: --hash=sha256:[0-9a-f]{64})?")


def pins(path: Path) -> dict[str, str]:
    """The versions in a list of pinned packages, by their names."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    found = [PIN.fullmatch(line) for line in lines]
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def needed() -> set[str]:
    """The names of what sightd's dependencies are, and of what those need, as it is installed here."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    waiting, known = [Requirement(text) for text in project["dependencies"]], set[tuple[str, frozenset[str]]]()
    while waiting:
        wanted = waiting.pop()
        one = canonicalize_name(wanted.name), frozenset(wanted.extras)
        if one in known:
            continue
        known.add(one)
        more = [Requirement(text) for text in distribution(wanted.name).requires or ()]
        chosen = ["", *wanted.extras]
        waiting += [r for r in more if r.marker is None or any(r.marker.evaluate({"extra": x}) for x in chosen)]
    return {name for name, _ in known}


def test_the_lock_is_whole() -> None:
    """Everything that sightd needs on a CPU is in the lock file, in the version that was tested, and nothing else is."""
    lock, tested = pins(ROOT / "packaging/runtime/lock-cpu.txt"), pins(ROOT / "packaging/constraints.txt")
    cards = {name for name in needed() if name.startswith(("nvidia-", "cuda-", "triton"))}
    assert set(lock) == needed() - cards
    assert lock.items() <= tested.items()
