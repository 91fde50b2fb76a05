"""How answers are chosen when a request does not say: by the checkpoint's generation_config.json and the operator."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from sightd.config.sampling import Sampling
from sightd.models.checkpoint import CheckpointError
from sightd.models.defaults import SamplingDefaults, defaults_of, read_defaults

from ..minicpm import write_json

ORIGINAL = SamplingDefaults(0.7, 0.8, 100, repetition_penalty=1.05)
"""What MiniCPM's own `chat()` takes."""


def says(folder: Path, content: dict[str, Any]) -> SamplingDefaults:
    """The defaults of a checkpoint whose generation_config.json is this."""
    write_json(folder / "generation_config.json", content)
    return read_defaults(folder)


@pytest.fixture
def qwen(tiny_checkpoints: dict[str, Path], tmp_path: Path) -> Path:
    """A Qwen2.5-VL checkpoint of the test's own."""
    return Path(shutil.copytree(tiny_checkpoints["qwen2_5_vl"], tmp_path / "qwen"))


@pytest.fixture
def copy(minicpm: dict[str, Path], tmp_path: Path) -> Path:
    """A MiniCPM checkpoint of the test's own."""
    return Path(shutil.copytree(minicpm["minicpmo"], tmp_path / "MiniCPM-o-2_6"))


def test_what_the_file_says(qwen: Path) -> None:
    """Everything that the file says is taken, whole numbers for decimals too; without sampling only the penalty is."""
    said = {"temperature": 1e-6, "top_p": 1, "top_k": 20, "min_p": 0.1, "repetition_penalty": 1.05, "eos_token_id": 7}
    assert says(qwen, said | {"do_sample": True}) == SamplingDefaults(1e-6, 1.0, 20, 0.1, 1.05)
    assert says(qwen, {"do_sample": True}) == SamplingDefaults(1.0)
    for greedy in (said, said | {"do_sample": False}):
        assert says(qwen, greedy) == SamplingDefaults(repetition_penalty=1.05)
    (qwen / "generation_config.json").unlink()
    assert read_defaults(qwen) == SamplingDefaults()


def test_minicpm(copy: Path) -> None:
    """Where the file does not say whether to sample, MiniCPM does as the original's chat() does; what the file says
    counts."""
    assert read_defaults(copy) == ORIGINAL
    assert says(copy, {"_from_model_config": True, "eos_token_id": 2}) == ORIGINAL
    assert says(copy, {"top_k": 5}) == SamplingDefaults(0.7, 0.8, 5, repetition_penalty=1.05)
    assert says(copy, {"do_sample": True, "top_k": 5}) == SamplingDefaults(1.0, top_k=5)
    assert says(copy, {"do_sample": False}) == SamplingDefaults()


@pytest.mark.parametrize("key", ["temperature", "top_k", "repetition_penalty"])
@pytest.mark.parametrize("value", ["high", [1], True, -1, float("nan")])
def test_what_cannot_be(qwen: Path, key: str, value: object) -> None:
    """A value that is no number, or none that a request could have, is refused with the file and the key."""
    with pytest.raises(CheckpointError, match=rf"generation_config\.json: {key} cannot be"):
        says(qwen, {"do_sample": True, key: value})


def test_the_operator_has_the_last_word(copy: Path) -> None:
    """A setting wins over the checkpoint, greedy included, and leaves the others as they are."""
    assert defaults_of(copy, Sampling()) == ORIGINAL
    set_here = Sampling(temperature=0.0, presence_penalty=1.5)
    assert defaults_of(copy, set_here) == SamplingDefaults(0.0, 0.8, 100, 0.0, 1.05, 0.0, 1.5)
