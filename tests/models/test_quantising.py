"""Quantising on the fly, and checkpoints that are quantised."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from sightd.engine.core import Engine
from sightd.engine.layers.packing import Int8Linear, PackedLinear, can_pack
from sightd.engine.protocol import Sampling
from sightd.models.checkpoint import EMBEDDED_FOLDER, CheckpointError
from sightd.models.families import prompt_builder
from sightd.models.loading import load_network
from sightd.selftest.known import known_questions, same

from ..engine.requests import engine, finish, question, submit
from ..minicpm import change_json
from ..pictures import noise

CPU = torch.device("cpu")
BLOCK = 8
"""Rows and columns that share a scale in the FP8 checkpoint."""
LEAST_RIGHT = {"int8": 12, "int4": 9}
"""Of the twelve sample questions."""


@pytest.mark.parametrize("how", ["int8", "int4"])
def test_the_embedded_model_still_answers(how: str) -> None:
    """Quantised, the embedded model knows its sample pictures; quantised layers are not packed as bfloat16 ones are, and
    what is no layer of the language model is not quantised."""
    running = engine(EMBEDDED_FOLDER, quantization=how)
    assert isinstance(running, Engine)
    module = running.runner.network.module.model
    language, quantised = module.language_model, module.language_model.layers[0].mlp.up_proj
    assert not any(isinstance(layer, PackedLinear) for layer in language.modules())
    assert isinstance(quantised, Int8Linear) == (how == "int8" and can_pack())
    assert isinstance(quantised, Int8Linear) or type(quantised.weight) is not torch.nn.Parameter
    assert type(language.embed_tokens.weight) is torch.nn.Parameter
    assert any(isinstance(layer, PackedLinear) for layer in module.visual.modules()) == can_pack()
    asked = {}
    for known in known_questions():
        pictures = [Image.open(path).convert("RGB") for path in known.files()]
        asked[submit(running, question(EMBEDDED_FOLDER, known.question, *pictures), Sampling(48))] = known.answer
    tokenizer, answers = prompt_builder(EMBEDDED_FOLDER).tokenizer, finish(running)
    assert sum(same(tokenizer.decode(answers[n]), right) for n, right in asked.items()) >= LEAST_RIGHT[how]


@pytest.mark.parametrize(("how", "most"), [("int8", 0.05), ("int4", 0.5)])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_logits_stay_near(how: str, most: float, dtype: str) -> None:
    """What a quantised language model says of a text lies near what it says in full: within a share of the logits'
    own spread."""
    ids = prompt_builder(EMBEDDED_FOLDER).build([{"role": "user", "content": "How many circles are there?"}]).token_ids
    logits = {}
    for quantization in ("none", how):
        network = load_network(EMBEDDED_FOLDER, CPU, dtype, "eager", quantization)[1]
        with torch.inference_mode():
            logits[quantization] = network.module(input_ids=torch.tensor([ids])).logits.float()
    assert not torch.equal(logits[how], logits["none"])
    assert (logits[how] - logits["none"]).std() < most * logits["none"].std()


def test_generic_and_minicpm(generic: dict[str, Path], minicpm: dict[str, Path]) -> None:
    """Every family can be quantised on the fly."""
    for folder in (generic["llava"], minicpm["minicpmv"]):
        network = load_network(folder, CPU, "auto", "eager", "int8")[1]
        quantised = [p for p in network.module.parameters() if type(p) is not torch.nn.Parameter]
        assert len(quantised) >= 14


def test_an_answer_in_a_crowd_is_the_same(tiny_checkpoints: dict[str, Path]) -> None:
    """Batching changes no answer of a quantised model."""
    folder = tiny_checkpoints["qwen3_vl"]
    running = engine(folder, quantization="int8")
    asked = [question(folder, "What is this?", noise(number, (120, 90))) for number in range(3)]
    alone = []
    for one in asked:
        number = submit(running, one, Sampling(12))
        alone.append(finish(running)[number])
    numbers = [submit(running, one, Sampling(12)) for one in asked]
    together = finish(running)
    assert [together[number] for number in numbers] == alone


@pytest.mark.parametrize("method", ["awq", "gptq", "compressed-tensors"])
def test_a_quantised_checkpoint_that_cannot_be_used(
    method: str, tiny_checkpoints: dict[str, Path], tmp_path: Path
) -> None:
    """Without its library, a checkpoint's own quantisation is refused with the reason and the alternatives, and so is
    quantising it once more."""
    folder = Path(shutil.copytree(tiny_checkpoints["qwen3_vl"], tmp_path / "checkpoint"))
    change_json(folder / "config.json", quantization_config={"quant_method": method, "bits": 4, "group_size": 32})
    with pytest.raises(CheckpointError, match=rf"\({method}\), which this machine cannot use on cpu.*full checkpoint"):
        load_network(folder, CPU, "auto", "eager")
    with pytest.raises(CheckpointError, match=rf"quantised already \({method}\)"):
        load_network(folder, CPU, "auto", "eager", "int8")


def test_eight_bit_floats(tiny_checkpoints: dict[str, Path], tmp_path: Path) -> None:
    """A checkpoint in FP8 blocks is loaded on the CPU as the numbers that it stands for."""
    folder = Path(shutil.copytree(tiny_checkpoints["qwen3_vl"], tmp_path / "fp8"))
    weights, blocks = load_file(folder / "model.safetensors"), {}
    for name in [n for n in weights if ".language_model.layers." in n and n.endswith("proj.weight")]:
        rows, columns = (size // BLOCK for size in weights[name].shape)
        scale = torch.rand(rows, columns) + 0.5
        small = (weights[name] / spread(scale)).to(torch.float8_e4m3fn)
        blocks[name] = small.float() * spread(scale)
        weights |= {name: small, f"{name}_scale_inv": scale}
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    settings = {"quant_method": "fp8", "activation_scheme": "dynamic", "weight_block_size": [BLOCK, BLOCK]}
    change_json(
        folder / "config.json", quantization_config=settings | {"modules_to_not_convert": ["visual", "lm_head"]}
    )
    loaded = load_network(folder, CPU, "float32", "eager")[1].module.state_dict()
    assert len(blocks) == 21
    for name, expected in blocks.items():
        assert torch.allclose(loaded[name].float(), expected, rtol=0.01, atol=1e-6), name


def spread(scale: torch.Tensor) -> torch.Tensor:
    """A factor for each number from one for each block."""
    return scale.repeat_interleave(BLOCK, 0).repeat_interleave(BLOCK, 1)


def test_what_cannot_be_quantised(tiny_checkpoints: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """A mixture of experts is refused, and so is any model without the library."""
    with pytest.raises(CheckpointError, match="a mixture of experts"):
        load_network(tiny_checkpoints["qwen3_vl_moe"], CPU, "auto", "eager", "int8")
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    with pytest.raises(CheckpointError, match=r"pip install 'sightd\[quantised\]'"):
        load_network(tiny_checkpoints["qwen3_vl"], CPU, "auto", "eager", "int8")
