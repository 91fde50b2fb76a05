"""The packages themselves."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import system_root

TOP = Path(__file__).parents[2]


def digests(package: Path) -> dict[str, str]:
    """The SHA-256 of the package and of the wheel beside it, by name."""
    files = [package, *package.parent.glob("sightd-*.whl")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_the_same_sources_give_the_same_bytes(package: Path) -> None:
    """A second build makes the same package and the same wheel."""
    before = digests(package)
    assert len(before) == 2
    subprocess.run([TOP / "packaging" / "build-deb.sh", sys.executable], check=True)
    assert digests(package) == before


def test_only_our_folder_holds_configuration(package: Path) -> None:
    """Configuration files of the package are all in /etc/sightd; what else is in /etc is a link."""
    listed = subprocess.run(["dpkg-deb", "-c", package], check=True, capture_output=True, text=True).stdout
    files = [line.split()[5] for line in listed.splitlines() if line.startswith("-") and "./etc/" in line]
    assert files
    assert all(file.startswith("./etc/sightd/") for file in files)


@pytest.mark.parametrize("name", ["sightd_*", "sightd-runtime-cpu_*"], ids=["sightd", "runtime"])
def test_lintian_finds_nothing(name: str) -> None:
    """Debian's checker, pedantic, has nothing to say of either package but what the overrides explain."""
    (package,) = (TOP / "dist").glob(f"{name}.deb")
    said = subprocess.run(["lintian", "--pedantic", "--no-cfg", package], check=False, capture_output=True, text=True)
    assert (said.returncode, said.stdout[:2000]) == (0, ""), said.stderr


def test_piuparts_finds_nothing(package: Path, tmp_path: Path) -> None:
    """Debian's tester of installing, removing and purging finds nothing that was left behind or broken."""
    # The root has the runtime package already, and no archive has an older sightd to upgrade from.
    root = ("--existing-chroot", str(system_root()), "--tmpdir", str(tmp_path), "--keep-sources-list", "--no-eatmydata")
    command = ["piuparts", *root, "--no-upgrade-test", package]
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    assert said.returncode == 0, said.stdout[-3000:]
    assert "PASS: All tests." in said.stdout
