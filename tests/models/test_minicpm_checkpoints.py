"""MiniCPM checkpoint folders: what is loaded, what is left out, and what is refused with which words."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from sightd.models.checkpoint import CheckpointError
from sightd.models.families import prompt_builder
from sightd.models.loading import check_fit, load_network
from sightd.models.network import Network
from structlog.testing import capture_logs

from ..minicpm import change_json


def load(folder: Path) -> Network:
    """The network of a checkpoint on the CPU."""
    return load_network(folder, torch.device("cpu"), "auto", "eager")[1]


@pytest.fixture
def copy(minicpm: dict[str, Path], tmp_path: Path) -> Path:
    """A MiniCPM-V checkpoint of the test's own."""
    return Path(shutil.copytree(minicpm["minicpmv"], tmp_path / "MiniCPM-V-2_6"))


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """Change the weights of a checkpoint."""
    weights = load_file(folder / "model.safetensors")
    change(weights)
    save_file(weights, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("resampler.proj"), "1 weights are missing: resampler.proj"),
        (lambda w: w.update({"vpm.extra": torch.zeros(2)}), "1 weights are unexpected: vpm.extra"),
        (
            lambda w: w.update({"resampler.proj": torch.zeros(2, 3)}),
            r"another shape: resampler.proj \[2, 3\] instead of \[128, 128\]",
        ),
        (lambda w: [w.pop(name) for name in list(w) if name.startswith("llm.")], r"llm\.\S+ and \d+ more"),
    ],
)
def test_weights_that_do_not_fit(copy: Path, change: Callable[[dict[str, torch.Tensor]], object], words: str) -> None:
    """Missing and unexpected weights and those of another shape are refused by name, before they are read too."""
    edit_weights(copy, change)
    for reader in (load, check_fit):
        with pytest.raises(CheckpointError, match=words):
            reader(copy)


def test_tables_that_trainers_write_out(copy: Path) -> None:
    """Weights that are computed anew are left out where a file has them."""
    tables = ("resampler.pos_embed", "llm.model.rotary_emb.inv_freq", "vpm.embeddings.position_ids")
    edit_weights(copy, lambda w: w.update({name: torch.zeros(5) for name in tables}))
    assert check_fit(copy) == "minicpm_v"
    load(copy)


def test_a_config_that_says_too_little(copy: Path) -> None:
    """Sizes that config.json lacks are named."""
    change_json(copy / "config.json", hidden_size=None, vision_config=None)
    for reader in (load, check_fit):
        with pytest.raises(CheckpointError, match=r"config\.json lacks hidden_size, vision_config\."):
            reader(copy)


def test_no_dtype(copy: Path) -> None:
    """Without a dtype in config.json the official checkpoints' is taken."""
    change_json(copy / "config.json", torch_dtype=None)
    assert load(copy).cache_shape.dtype == torch.bfloat16


def test_missing_shard(copy: Path) -> None:
    """A shard that the index names and the folder lacks is refused by name."""
    (copy / "model.safetensors").rename(copy / "model-00001-of-00002.safetensors")
    change = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (copy / "model.safetensors.index.json").write_text("{}")
    change_json(copy / "model.safetensors.index.json", **change)
    with pytest.raises(CheckpointError, match=r"model-00002-of-00002\.safetensors is missing"):
        load(copy)


@pytest.mark.parametrize("version", [2.5, "4.0", None])
def test_other_generations(copy: Path, version: object) -> None:
    """Another generation of the family is refused by its version, by the front too."""
    change_json(copy / "config.json", version=version)
    for reader in (load, prompt_builder):
        with pytest.raises(CheckpointError, match=f"version {version!r} of minicpmv is not supported"):
            reader(copy)


def test_other_quantisations(copy: Path) -> None:
    """A quantisation that is not known is refused by its name, with what to take instead."""
    change_json(copy / "config.json", quantization_config={"quant_method": "gptq", "bits": 4})
    for reader in (load, check_fit):
        with pytest.raises(CheckpointError, match=r"'gptq' is not supported.*the full one, with model\.quantization"):
            reader(copy)


def test_tokenizer_without_vision_tokens(copy: Path) -> None:
    """A tokenizer that lacks the family's control tokens is refused."""
    content = (copy / "tokenizer.json").read_text("utf-8").replace("<slice>", "<slide>")
    (copy / "tokenizer.json").write_text(content, "utf-8")
    with pytest.raises(CheckpointError, match="lacks the special tokens <slice>"):
        prompt_builder(copy)


def test_code_of_the_checkpoint_never_runs(copy: Path) -> None:
    """Python files in the folder, which auto_map names, are not imported."""
    for name in ("modeling_minicpmv", "configuration_minicpm", "tokenization_minicpmv_fast"):
        (copy / f"{name}.py").write_text(f"open({str(copy / 'ran')!r}, 'w')", "utf-8")
    prompt_builder(copy)
    load(copy)
    assert not (copy / "ran").exists()


def test_speech_is_left_out(minicpm: dict[str, Path]) -> None:
    """The weights with which MiniCPM-o hears and speaks are not loaded, and the log says so."""
    with capture_logs() as lines:
        parameters = load(minicpm["minicpmo"]).parameters
    assert parameters == load(minicpm["minicpmv"]).parameters
    assert any("hearing and speech are not served" in line["event"] and line["tensors"] == 3 for line in lines)


def test_the_front_needs_no_torch() -> None:
    """Prompts and pictures are prepared without torch and transformers."""
    modules = "import sightd.models.minicpm_v.plan, sightd.models.minicpm_v.frames, sys"
    code = f"{modules}; sys.exit(bool({{'torch', 'transformers'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
