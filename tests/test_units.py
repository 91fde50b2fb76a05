"""The units: well-formed for systemd, and as closed as they are meant to be."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).parents[1] / "systemd"

pytestmark = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root directory with the units as the package installs them."""
    units = tmp_path / "usr/lib/systemd/system"
    for name in ("sightd", "sightd-selftest"):
        (units / f"{name}.service.d").mkdir(parents=True)
        shutil.copy(SYSTEMD / f"{name}.service", units)
        shutil.copy(SYSTEMD / "hardening.conf", units / f"{name}.service.d" / "10-hardening.conf")
    shutil.copy(SYSTEMD / "sightd.socket", units)
    for program in ("usr/bin/sightd", "usr/bin/sightctl", "bin/kill"):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).touch(mode=0o755)
    for unit in ("sysinit.target", "basic.target", "shutdown.target", "network-online.target", "sockets.target"):
        (units / unit).write_text("[Unit]\nDescription=A part of systemd\n")
    return tmp_path


def analyze(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says about the units in `root`."""
    command = ["systemd-analyze", f"--root={root}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_has_no_complaint(root: Path) -> None:
    """Systemd finds nothing to complain about; it reports unknown keys as text only, with status 0."""
    done = analyze(root, "--man=no", "verify", "sightd.service", "sightd.socket", "sightd-selftest.service")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("drop_ins", "tenths"),
    [((), 14), (("ip-allow-list.conf",), 13), (("cpu.conf",), 11)],
    ids=["as shipped", "with an allow-list of networks", "without a card"],
)
def test_exposure(root: Path, drop_ins: tuple[str, ...], tenths: int) -> None:
    """Systemd's measure of how exposed the service is stays below its bound."""
    for name in drop_ins:
        shutil.copy(SYSTEMD / "examples" / name, root / "usr/lib/systemd/system/sightd.service.d")
    done = analyze(root, "security", "--offline=true", f"--threshold={tenths}", "sightd.service")
    assert done.returncode == 0, done.stdout.splitlines()[-1]


@pytest.mark.parametrize("name", sorted(path.name for path in (SYSTEMD / "examples").iterdir()))
def test_examples(root: Path, name: str) -> None:
    """Each ready-made change of the unit is one that systemd understands."""
    shutil.copy(SYSTEMD / "examples" / name, root / "usr/lib/systemd/system/sightd.service.d")
    assert analyze(root, "--man=no", "verify", "sightd.service").stderr == ""
