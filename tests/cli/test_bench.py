"""`sightctl bench` against a running sightd."""

from __future__ import annotations

import json
from pathlib import Path

from ..server import Server, free_port, sightctl


def test_closed_and_open_loop(server: Server, tmp_path: Path) -> None:
    """Runs with requests at once and at a rate give a table and the same figures as JSON, whose sums are right."""
    file = tmp_path / "figures.json"
    small = ["--requests", "6", "--max-tokens", "8", "--size", "160x128", "--ignore-eos"]
    done = sightctl("bench", "--url", server.url, *small, "--at-once", "3", "--rate", "20", "--json", str(file))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 at a time" in done.stdout
    rows = json.loads(file.read_text())
    assert [row["name"] for row in rows] == ["20 a second", "3 at a time"]
    for row in rows:
        assert (row["requests"], row["failed"]) == (6, 0)
        assert abs(row["tokens_per_second"] * row["seconds"] - 48) < 1
        assert 0 < row["first_token"][0] <= row["whole_answer"][0]
        assert row["first_token"] == sorted(row["first_token"])


def test_failures_are_counted(server: Server, tmp_path: Path) -> None:
    """Refused requests are counted and named, and the status is 1; a server that is not there gets a sentence."""
    done = sightctl("bench", "--url", server.url, "--model", "nobody", "--requests", "2", "--at-once", "1")
    assert done.returncode == 1
    assert "model_not_found" in done.stdout
    nowhere = sightctl("bench", "--url", f"http://127.0.0.1:{free_port()}")
    assert nowhere.returncode == 1
    assert "Is it running?" in nowhere.stderr
