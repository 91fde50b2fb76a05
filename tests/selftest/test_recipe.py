"""The recipe makes what is shipped, and trains."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
import torch
from sightd.models.checkpoint import EMBEDDED_FOLDER
from sightd.selftest.recipe import batches, checkpoint, samples
from sightd.selftest.recipe.encoding import Row
from sightd.selftest.recipe.network import Trainee
from sightd.selftest.recipe.packing import pack

SHIPPED_SEED = 1


def test_the_shipped_files_are_the_recipes(tmp_path: Path) -> None:
    """Every file of the shipped checkpoint but for weights and log is what the recipe writes."""
    checkpoint.write_files(tmp_path, SHIPPED_SEED)
    for path in tmp_path.iterdir():
        assert (EMBEDDED_FOLDER / path.name).read_bytes() == path.read_bytes(), path.name


def test_batches_are_repeatable() -> None:
    """A seed and a number name one batch; another number another."""
    code = batches.encoder(EMBEDDED_FOLDER, 0)
    one, again, other = (batches.batch(code, 1, number, 4, 0) for number in (5, 5, 6))
    assert one.ids.tolist() == again.ids.tolist()
    assert all((a == b).all() for a, b in zip(one.pictures, again.pictures, strict=True))
    assert one.ids.tolist() != other.ids.tolist()


def test_conversations_that_share_a_picture_do_not_see_each_other() -> None:
    """Several conversations about one picture cost what each of them costs alone."""
    code = batches.encoder(EMBEDDED_FOLDER, 0)
    sample = samples.picture_sample(Random("shared"), (160, 120), 3)
    sample.text_first, sample.system = False, ""
    torch.manual_seed(1)
    trainee = Trainee(EMBEDDED_FOLDER)

    def loss(*rows: Row) -> float:
        with torch.no_grad():
            return float(trainee(pack(list(rows)))[0])

    branches = sample.branches
    together = loss(code.row(sample))
    alone = 0.0
    for branch in branches:
        sample.branches = [branch]
        alone += loss(code.row(sample))
    assert together == pytest.approx(alone, rel=1e-4)


def test_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """A few steps of both kinds write a checkpoint and a log; a second run goes on from there, and so does one that has
    nothing but the checkpoint."""
    folder = tmp_path / "model"
    for steps in (4, 7, 8):
        if steps == 8:
            (folder / "training.pt").unlink()
        options = f"--rows 4 --processes 2 --looking 3 --steps {steps}".split()
        command = [sys.executable, "-m", "sightd.selftest.recipe.train", str(folder), *options]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
    lines = [json.loads(line) for line in (folder / "training.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [4, 7, 8]
    assert 0 < lines[1]["loss"] < 10
    assert (folder / "model.safetensors").stat().st_size > 1_000_000
