"""The lock files of the runtime package's variants, and what the packages say of each other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
RUNTIME = ROOT / "packaging" / "runtime"
LOCKS = sorted(RUNTIME.glob("lock-*.txt"))
CARDS = ("nvidia-", "cuda-", "triton")
"""How the names of packages begin that only cards need."""
HEADING = re.compile(r"# The wheels of sightd-runtime-(\S+) for CPython (3\.\d+) on x86-64\. Made by .+")
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


def named(lock: Path) -> tuple[str, str]:
    """The variant and the version of Python that a lock file says it is for."""
    heading = HEADING.fullmatch(lock.read_text().splitlines()[0])
    assert heading, f"{lock} does not begin with what it is for"
    return heading[1], heading[2]


def for_cards(lock: dict[str, str]) -> set[str]:
    """The packages in a lock file that only cards need."""
    return {name for name in lock if name.startswith(CARDS)}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_the_lock_is_whole(path: Path) -> None:
    """Everything that sightd needs is in each lock file, in the version that was tested, and nothing else is but what
    cards need, where it is for cards."""
    lock, tested = pins(path), pins(ROOT / "packaging/constraints.txt")
    cards = for_cards(lock)
    assert set(lock) - cards == {name for name in needed() if not name.startswith(CARDS)}
    assert {name: version for name, version in lock.items() if name not in cards}.items() <= tested.items()
    assert bool(cards) == ("-cu" in path.stem)


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_wheel_has_a_hash(path: Path) -> None:
    """A lock file says what it is for, and every line of it pins one wheel by its hash."""
    variant, python = named(path)
    assert path.stem == f"lock-{variant}"
    assert variant.endswith("-py" + python.replace(".", "")) or python == "3.11"
    lines = path.read_text().splitlines()[1:]
    assert all(PIN.fullmatch(line) and "--hash=sha256:" in line for line in lines)
    assert len(lines) == len(pins(path))


@pytest.mark.parametrize("path", [path for path in LOCKS if "-cu" in path.stem], ids=lambda path: path.stem)
def test_variants_for_cards_name_their_cuda(path: Path) -> None:
    """The CUDA version in a variant's name is that of the libraries in it."""
    major, minor, *_ = pins(path)["cuda-toolkit"].split(".")
    assert named(path)[0].split("-")[0] == f"cu{major}{minor}"


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg is not installed")
@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_variants_take_each_others_place(path: Path, tmp_path: Path) -> None:
    """Each variant is what sightd depends on, for its own Python, and cannot be beside another variant."""
    variant, python = named(path)
    version = (RUNTIME / "version").read_text().strip()
    (tmp_path / "usr").mkdir()
    environment = os.environ | {"SOURCE_DATE_EPOCH": "1"}
    subprocess.run([RUNTIME / "control.sh", variant, version, tmp_path], env=environment, check=True)
    fields = dict(
        line.split(": ", 1) for line in (tmp_path / "DEBIAN" / "control").read_text().splitlines() if line[0] != " "
    )
    assert fields["Package"] == f"sightd-runtime-{variant}"
    assert fields["Provides"] == f"sightd-runtime (= {version})"
    assert fields["Conflicts"] == fields["Replaces"] == "sightd-runtime"
    assert f"python{python}" in fields["Depends"].split(", ")
    assert f"sightd-runtime (>= {version})" in (ROOT / "packaging/debian/control").read_text()


def test_a_variant_for_another_python_is_not_built() -> None:
    """Without the Python that a variant is for, building it ends with a sentence instead of a wrong package."""
    strange = next(path for path in LOCKS if not Path(f"/usr/bin/python{named(path)[1]}").exists())
    variant, python = named(strange)
    done = subprocess.run([RUNTIME / "build.sh", variant, "fetch"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"is for /usr/bin/python{python}, which is not here" in done.stderr
