"""`sightctl check-config` and `sightctl show-config`."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from ..server import SIGHTCTL, SIGHTD, clean_environment


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The finished command."""
    return subprocess.run(
        [SIGHTCTL, *arguments], capture_output=True, text=True, env=clean_environment(environment), check=False
    )


def test_a_good_configuration(tmp_path: Path) -> None:
    """check-config ends with status 0 and names the files it read."""
    file = tmp_path / "sightd.toml"
    file.write_text("[limits]\nqueue = 5\n")
    done = run("check-config", "--config", str(file))
    assert done.returncode == 0
    assert str(file) in done.stdout


def test_a_bad_configuration(tmp_path: Path) -> None:
    """check-config lists all problems and ends with status 78, and so does the daemon."""
    file = tmp_path / "sightd.toml"
    file.write_text("[limits]\nqueue = -5\nqueu = 1\n")
    done = run("check-config", "--config", str(file))
    assert done.returncode == 78
    assert "limits.queue = -5" in done.stderr
    assert "did you mean 'queue'?" in done.stderr
    daemon = subprocess.run(
        [SIGHTD, "--config", str(file)], capture_output=True, text=True, env=clean_environment(), check=False
    )
    assert daemon.returncode == 78
    assert "limits.queue = -5" in daemon.stderr


def test_what_the_settings_point_at(tmp_path: Path) -> None:
    """check-config also looks whether the model folder and the allowed directories are there."""
    file = tmp_path / "sightd.toml"
    file.write_text(f'[model]\npath = "{tmp_path}/none"\n[media]\nallowed_paths = ["{tmp_path}/gone"]\n')
    done = run("check-config", "--config", str(file))
    assert done.returncode == 78
    assert f"model.path: {tmp_path}/none/config.json is missing" in done.stderr
    assert f"media.allowed_paths: {tmp_path}/gone is not a directory." in done.stderr


def test_values_with_their_origins(tmp_path: Path) -> None:
    """show-config gives every effective value and where it came from."""
    file = tmp_path / "sightd.toml"
    file.write_text("[limits]\nqueue = 5\n")
    done = run("show-config", "--config", str(file), "--json", SIGHTD_LIMITS__CONCURRENCY="7")
    rows = json.loads(done.stdout)
    assert rows["limits.queue"] == {"value": 5, "origin": str(file)}
    assert rows["limits.concurrency"] == {"value": 7, "origin": "environment variable SIGHTD_LIMITS__CONCURRENCY"}
    assert rows["model.path"] == {"value": "embedded", "origin": "default"}
    table = run("show-config", "--config", str(file))
    assert "limits.queue" in table.stdout
    assert str(file) in table.stdout
