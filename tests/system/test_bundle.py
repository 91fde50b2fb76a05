"""The bundle for servers with no internet, on a real Debian without sightd."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from .bundles import Workshop
from .conftest import system_root
from .machine import Machine

HERE = "/root/sightd-bundle"


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A booted Debian 12 without sightd and without a network, with an unpacked bundle in /root."""
    booted = Machine(system_root(), tmp_path_factory.mktemp("bare"), "bare")
    try:
        yield booted
    finally:
        booted.stop()


@pytest.fixture(scope="module")
def key_hash(bare: Machine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What whoever made the bundle tells whoever installs it."""
    workshop = Workshop(tmp_path_factory.mktemp("workshop"))
    subprocess.run(["tar", "-xf", workshop.bundle("0.1.0"), "-C", bare.root / "root"], check=True)
    return workshop.key_hash


def installed(bare: Machine) -> bool:
    """Whether sightd is there."""
    return bare.run("test", "-e", "/usr/bin/sightd").returncode == 0


def test_a_foreign_key_is_refused(bare: Machine, key_hash: str) -> None:
    """A bundle that is signed with another key than the installer was told installs nothing."""
    done = bare.run("sh", f"{HERE}/install.sh", key_hash[::-1])
    assert done.returncode != 0
    assert "is not the key that you were told" in done.stderr
    assert not installed(bare)


@pytest.mark.parametrize("file", ["install.sh", "MANIFEST", "repository/Packages"])
def test_a_changed_file_is_refused(file: str, bare: Machine, key_hash: str) -> None:
    """A bundle of which any part was changed installs nothing."""
    bare.must("cp", "-a", f"{HERE}/{file}", "/root/kept")
    bare.must("sh", "-c", f"echo '# changed' >> {HERE}/{file}")
    done = bare.run("sh", f"{HERE}/install.sh", key_hash)
    bare.must("mv", "/root/kept", f"{HERE}/{file}")
    assert done.returncode != 0
    assert not installed(bare)


def test_it_installs(bare: Machine, key_hash: str) -> None:
    """An untouched bundle installs sightd with nothing but its own repository, and the service starts."""
    assert "Installed." in bare.must("sh", f"{HERE}/install.sh", key_hash)
    bare.must("systemctl", "start", "sightd")
    assert bare.must("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "http://127.0.0.1:8000/readyz") == "200"
