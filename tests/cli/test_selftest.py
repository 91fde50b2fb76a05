"""`sightctl selftest` proves a server's devices right, or says that they are not."""

from __future__ import annotations

from pathlib import Path

from ..server import sightctl


def test_right_answers_on_every_device(tmp_path: Path) -> None:
    """Every configured device answers all known questions right, whatever model is configured; the status is 0."""
    config = tmp_path / "sightd.toml"
    config.write_text('[engine]\ndevices = ["cpu", "cpu"]\n[model]\npath = "/nowhere"\n')
    done = sightctl("selftest", "--config", str(config))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All answers are right." in done.stdout
    assert done.stdout.count("What number is shown?") == 2


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    """A card that does not exist is named with the reason, and the status is 1."""
    config = tmp_path / "sightd.toml"
    config.write_text('[engine]\ndevices = ["cuda:7"]\n')
    done = sightctl("selftest", "--config", str(config))
    assert done.returncode == 1
    assert "There is no cuda:7" in done.stderr
    assert "torch sees" in done.stderr
