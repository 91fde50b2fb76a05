"""Checkpoint folders that are not whole, or not what they say: refused at start, with the file and the reason."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from sightd.models.checkpoint import EMBEDDED_FOLDER, CheckpointError
from sightd.models.loading import check_fit, load_network
from sightd.models.store import importing
from sightd.models.store.shelf import Store
from sightd.models.weightsizes import loaded_bytes
from sightd.models.wholeness import check

from ..minicpm import change_json
from ..server import SIGHTD, clean_environment, sightctl

WEIGHTS = "model.safetensors"
TALLER = {"intermediate_size": 128}


@pytest.fixture
def copy(tiny_checkpoints: dict[str, Path], tmp_path: Path) -> Path:
    """A Qwen3-VL checkpoint of the test's own."""
    return Path(shutil.copytree(tiny_checkpoints["qwen3_vl"], tmp_path / "qwen3-vl"))


def cut(folder: Path) -> None:
    """Lose the end of the weights."""
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])


def pickled(folder: Path) -> None:
    """Have weights that can run code, and no others."""
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")


def lose_a_shard(folder: Path) -> None:
    """Have an index that names two files, one of which is there."""
    weight_map = {"a": WEIGHTS, "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


def forget_vision(folder: Path) -> None:
    """Have a tokenizer that knows no pictures."""
    text = (folder / "tokenizer.json").read_text("utf-8")
    (folder / "tokenizer.json").write_text(text.replace("<|image_pad|>", "<|other|>"), "utf-8")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, r"model\.safetensors is cut off or damaged"),
        (lambda f: (f / WEIGHTS).write_bytes(b"\xff" * 64), r"model\.safetensors is cut off or damaged"),
        (lambda f: (f / WEIGHTS).write_bytes(b""), r"model\.safetensors is cut off or damaged"),
        (lambda f: (f / WEIGHTS).unlink(), r"model\.safetensors is missing"),
        (pickled, r"model\.safetensors is missing.*pickled \(pytorch_model\.bin\) and would run code"),
        (lose_a_shard, r"model-00002-of-00002\.safetensors is missing"),
        (forget_vision, r"qwen3-vl: The tokenizer lacks one of the vision tokens"),
        (lambda f: (f / "tokenizer.json").unlink(), r"tokenizer\.json is missing"),
        (lambda f: (f / "tokenizer.json").write_text("{}"), r"tokenizer\.json cannot be used"),
        (
            lambda f: (f / "generation_config.json").write_text('{"do_sample": true, "top_p": "high"}'),
            r"generation_config\.json: top_p cannot be 'high': input should be a valid number",
        ),
        (lambda f: change_json(f / "config.json", vision_config=None), r"a configuration file is not as it should be"),
        (lambda f: (f / "preprocessor_config.json").write_text("["), r"preprocessor_config\.json cannot be read"),
        (
            lambda f: change_json(f / "config.json", model_type="gpt2"),
            r"config\.json: model type 'gpt2' is not supported",
        ),
    ],
)
def test_what_is_not_whole(copy: Path, damage: Callable[[Path], object], words: str) -> None:
    """Before anything is loaded, a folder is refused for a file that is missing, cut off, of pickles, or unknown."""
    check(copy)
    damage(copy)
    with pytest.raises(CheckpointError, match=words):
        check(copy)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda w: w.update({"model.language_model.norm.weight": torch.zeros(3)}),
            r"1 weights are of another shape: model\.language_model\.norm\.weight \[3\] instead of \[64\]",
        ),
        (lambda w: w.pop("model.visual.pos_embed.weight"), r"1 weights are missing: model\.visual\.pos_embed\.weight"),
    ],
)
def test_weights_that_do_not_fit(copy: Path, change: Callable[[dict[str, torch.Tensor]], object], words: str) -> None:
    """Transformers would make up weights that are missing or of another shape; they are refused by name, with the same
    words before anything of them is read."""
    weights = load_file(copy / WEIGHTS)
    change(weights)
    save_file(weights, copy / WEIGHTS, {"format": "pt"})
    for reader in (check_fit, lambda folder: load_network(folder, torch.device("cpu"), "auto", "eager")):
        with pytest.raises(CheckpointError, match=words):
            reader(copy)


def test_a_network_larger_than_the_files(copy: Path) -> None:
    """A config.json of a much larger network is refused before memory is taken for it."""
    text = json.loads((copy / "config.json").read_text())["text_config"]
    change_json(copy / "config.json", text_config=text | {"intermediate_size": 20_000_000})
    with pytest.raises(
        CheckpointError, match=r"9 weights are of another shape: .*\[96, 64\] instead of \[20000000, 64\]"
    ):
        load_network(copy, torch.device("cpu"), "auto", "eager")


def test_verify_and_switch_say_so(copy: Path, tmp_path: Path) -> None:
    """Sightctl refuses to call a checkpoint whole, or to switch to it, when its weights have other shapes than
    config.json describes, and says which."""
    change_json(
        copy / "config.json", text_config=json.loads((copy / "config.json").read_text())["text_config"] | TALLER
    )
    store, config = Store(tmp_path / "models"), tmp_path / "etc"
    config.mkdir()
    importing.take(store, copy, "Mine", None, lambda _: None, lambda *_: nullcontext())
    for verb in ("verify", "switch"):
        done = sightctl("model", verb, "Mine", "--store", str(store.root), "--config", str(config))
        assert done.returncode == 1
        assert re.search(
            r"^\S+/Mine/imported does not hold .* of another shape: .* instead of \[128, 64\]", done.stderr
        )
    assert list(config.iterdir()) == []


def test_whole_checkpoints_fit(
    tiny_checkpoints: dict[str, Path], minicpm: dict[str, Path], generic: dict[str, Path]
) -> None:
    """Whole checkpoints of every family are found to fit."""
    for folder, name in [
        *((folder, "qwen_vl") for folder in (*tiny_checkpoints.values(), EMBEDDED_FOLDER)),
        *((folder, "minicpm_v") for folder in minicpm.values()),
        *((folder, "generic") for folder in generic.values()),
    ]:
        assert check_fit(folder) == name


def test_the_service_says_so(copy: Path) -> None:
    """Sightd ends with the status of a configuration error and says which file it is."""
    cut(copy)
    done = subprocess.run(
        [SIGHTD, "--model", str(copy)], check=False, capture_output=True, text=True, timeout=60, env=clean_environment()
    )
    assert done.returncode == 78
    assert f"{copy / WEIGHTS} is cut off" in done.stderr


def test_what_weights_take(copy: Path) -> None:
    """The size of loaded weights counts the dtype they are loaded as, and four-bit ones as what they become."""
    full = sum(tensor.nbytes for tensor in load_file(copy / WEIGHTS).values())
    assert loaded_bytes(copy, "auto", on_card=False) == full
    assert loaded_bytes(copy, "bfloat16", on_card=False) == full // 2
    assert full // 4 < loaded_bytes(copy, "float32", on_card=True, quantization="int8") < full
    state = torch.tensor(list(b'{"shape": [64, 32]}'), dtype=torch.uint8)
    four_bits = {
        "x.weight": torch.zeros(1024, 1, dtype=torch.uint8),
        "x.weight.absmax": torch.zeros(32, dtype=torch.uint8),
        "x.weight.quant_state.bitsandbytes__nf4": state,
        "y.bias": torch.zeros(10, dtype=torch.float16),
    }
    save_file(four_bits, copy / WEIGHTS)
    change_json(copy / "config.json", dtype="float16")
    assert loaded_bytes(copy, "auto", on_card=False) == 64 * 32 * 2 + 20
