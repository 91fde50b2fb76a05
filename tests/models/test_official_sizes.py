"""Checkpoints of the official sizes, as far as config.json and the weights' headers go: their files are holes."""

from __future__ import annotations

import json
import shutil
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from sightd.models.checkpoint import EMBEDDED_FOLDER
from sightd.models.families import prompt_builder
from sightd.models.generic.network import cache_shape
from sightd.models.loading import check_fit
from sightd.models.minicpm_v.network import TEXT_KEYS, MiniCpm
from sightd.models.weightsizes import loaded_bytes
from transformers import AutoConfig, AutoModelForImageTextToText, Qwen2Config

from ..checkpoints import TOKENIZER_FILES
from ..engine.requests import conversation
from ..minicpm import PREPROCESSOR, TEMPLATE, write_json, write_tokenizer
from ..pictures import noise

GIB = 2**30
QWEN2 = {
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e6,
    "tie_word_embeddings": False,
}
"""The language model of three of them."""
SIGLIP = {
    "hidden_size": 1152,
    "image_size": 980,
    "intermediate_size": 4304,
    "num_attention_heads": 16,
    "num_hidden_layers": 27,
    "patch_size": 14,
}
MINICPM = QWEN2 | {
    "model_type": "minicpmv",
    "version": 2.6,
    "vocab_size": 151666,
    "max_position_embeddings": 32768,
    "query_num": 64,
    "drop_vision_last_layer": False,
    "use_sliding_window": False,
    "vision_config": SIGLIP,
    "torch_dtype": "bfloat16",
}
CONFIGS: dict[str, dict[str, Any]] = {
    "Qwen2.5-VL-7B-Instruct": QWEN2
    | {
        "model_type": "qwen2_5_vl",
        "vocab_size": 152064,
        "max_position_embeddings": 128000,
        "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
        "torch_dtype": "bfloat16",
        "vision_config": {
            "depth": 32,
            "hidden_size": 1280,
            "intermediate_size": 3420,
            "num_heads": 16,
            "out_hidden_size": 3584,
            "patch_size": 14,
            "window_size": 112,
            "fullatt_block_indexes": [7, 15, 23, 31],
            "tokens_per_second": 2,
        },
    },
    "Qwen3-VL-8B-Instruct": {
        "model_type": "qwen3_vl",
        "tie_word_embeddings": False,
        "text_config": {
            "model_type": "qwen3_vl_text",
            "dtype": "bfloat16",
            "hidden_size": 4096,
            "intermediate_size": 12288,
            "num_hidden_layers": 36,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "vocab_size": 151936,
            "max_position_embeddings": 262144,
            "rope_theta": 5e6,
            "rope_scaling": {"rope_type": "default", "mrope_interleaved": True, "mrope_section": [24, 20, 20]},
        },
        "vision_config": {
            "model_type": "qwen3_vl",
            "depth": 27,
            "hidden_size": 1152,
            "intermediate_size": 4304,
            "num_heads": 16,
            "out_hidden_size": 4096,
            "patch_size": 16,
            "num_position_embeddings": 2304,
            "deepstack_visual_indexes": [8, 16, 24],
        },
    },
    "MiniCPM-V-2_6": MINICPM,
    "MiniCPM-o-2_6": MINICPM | {"model_type": "minicpmo", "version": "2.6", "vocab_size": 151700},
}


@dataclass(frozen=True)
class Known:
    """What is known of a checkpoint: its parameters, as its index of weights has them where that could be remembered,
    GiB of its weights in bfloat16, int8 and int4, bytes of cache for each token, and tokens of a 1280 x 720 picture."""

    parameters: int
    gib: tuple[float, float, float]
    token_bytes: int
    picture_tokens: int


KNOWN = {
    "Qwen2.5-VL-7B-Instruct": Known(8_292_166_656, (15.4, 9.4, 7.1), 57_344, 26 * 46),
    "Qwen3-VL-8B-Instruct": Known(8_767_123_696, (16.3, 9.9, 7.5), 147_456, 22 * 40),
    "MiniCPM-V-2_6": Known(8_099_175_152, (15.1, 9.1, 6.8), 57_344, 7 * 64),
    # The output and input embeddings of 34 more tokens; speech does not count.
    "MiniCPM-o-2_6": Known(8_099_175_152 + 34 * 2 * 3584, (15.1, 9.1, 6.8), 57_344, 7 * 64),
}


def names(kind: str, config: dict[str, Any]) -> dict[str, torch.Size]:
    """The weights' shapes under the official names, which are older than transformers' own for Qwen2.5-VL."""
    with torch.device("meta"):
        if kind.startswith("MiniCPM"):
            return {name: tensor.shape for name, tensor in MiniCpm(config).state_dict().items()}
        made = AutoModelForImageTextToText.from_config(AutoConfig.for_model(**config))
    shapes = {name: tensor.shape for name, tensor in made.state_dict().items()}
    if kind.startswith("Qwen3"):
        return shapes
    older = {"model.visual.": "visual.", "model.language_model.": "model."}
    renamed = {}
    for name, shape in shapes.items():
        new = next((name.replace(prefix, old) for prefix, old in older.items() if name.startswith(prefix)), name)
        renamed[new] = shape
    return renamed


def write_holes(path: Path, shapes: dict[str, torch.Size], extra: dict[str, list[int]]) -> None:
    """A safetensors file in bfloat16 that takes no room on the disk."""
    header, end = {}, 0
    for name, shape in {**shapes, **extra}.items():
        start, end = end, end + 2 * torch.Size(shape).numel()
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [start, end]}
    written = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(written)) + written)
        file.truncate(8 + len(written) + end)


def make_official(kind: str, folder: Path) -> Path:
    """A folder with the official config.json, as far as it matters, and weights without content."""
    folder.mkdir()
    config = CONFIGS[kind]
    write_json(folder / "config.json", config)
    if kind.startswith("MiniCPM"):
        write_json(folder / "preprocessor_config.json", PREPROCESSOR)
        write_json(folder / "tokenizer_config.json", {"chat_template": TEMPLATE})
        write_tokenizer(folder / "tokenizer.json")
    else:
        for name in TOKENIZER_FILES:
            shutil.copy(EMBEDDED_FOLDER / name, folder / name)
        write_json(folder / "preprocessor_config.json", {"size": {"shortest_edge": 65536, "longest_edge": 16777216}})
    speech = {"apm.conv1.weight": [1024, 80, 3], "tts.model.norm.weight": [768]} if "-o-" in kind else {}
    write_holes(folder / "model.safetensors", names(kind, config), speech)
    return folder


@pytest.mark.parametrize("kind", CONFIGS)
def test_official_sizes(kind: str, tmp_path: Path) -> None:
    """A checkpoint with the official configuration and names of weights fits its network; its parameters, memory and
    tokens are as docs/models.md says."""
    folder, known = make_official(kind, tmp_path / kind), KNOWN[kind]
    check_fit(folder)
    size = loaded_bytes(folder, "auto", on_card=True)
    assert size == 2 * known.parameters
    taken = [loaded_bytes(folder, "auto", on_card=True, quantization=how) / GIB for how in ("none", "int8", "int4")]
    assert taken == pytest.approx(known.gib, abs=0.06)
    assert cache_shape(text_config(kind), torch.bfloat16).token_bytes == known.token_bytes
    builder = prompt_builder(folder)
    question = [{"role": "user", "content": [{"type": "image"}]}]
    asked = conversation(builder, builder.picture_plan, question, noise(1, (1280, 720)))
    assert sum(span.length for span in asked.prompt.spans) == known.picture_tokens


def text_config(kind: str) -> Any:
    """The configuration of its language model."""
    config = CONFIGS[kind]
    if kind.startswith("MiniCPM"):
        return Qwen2Config(**{key: config[key] for key in TEXT_KEYS if key in config})
    return AutoConfig.for_model(**config).get_text_config()
