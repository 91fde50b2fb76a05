"""The measurement of an engine by itself, which is made for a card, run whole on the CPU."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def test_one_command_makes_a_checkpoint_and_measures_it(tmp_path: Path) -> None:
    """Every figure is in the table and in the JSON, with the date, the device and how decoding was run, and what is
    being done is said meanwhile."""
    file = tmp_path / "figures.json"
    command = [sys.executable, "-m", "sightd.bench.device", str(tmp_path / "model"), "--make", "tiny"]
    done = subprocess.run(
        [*command, "--device", "cpu", "--json", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(file.read_text())
    assert figures["device"] == "CPU"
    assert figures["decoding"] == "eager"
    assert figures["date"].count("-") == 2
    decoding = {f"decode_{n}_{what}" for n in (1, 8, 32, 64) for what in ("tokens_s", "of_bandwidth", "not_in_model")}
    others = {
        "weights_gb",
        "bandwidth_gb_s",
        "peak_tflop_s",
        "prefill_tokens_s",
        "prefill_of_peak",
        "encoder_pictures_s",
    }
    for name in decoding | others:
        assert figures[name] > 0, name
        assert name in done.stdout
    assert "decoding, 32 at a time" in done.stderr
