"""Tiny random MiniCPM 2.6 checkpoints, made on the spot in the official layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from sightd.models.checkpoint import EMBEDDED_FOLDER
from sightd.models.minicpm_v.network import MiniCpm
from sightd.models.minicpm_v.prompt import CONTROL

from .checkpoints import widen

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
VISION = {
    "hidden_size": 32,
    "image_size": 980,
    "intermediate_size": 48,
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "patch_size": 14,
}
CONFIG: dict[str, Any] = {
    "version": 2.6,
    "auto_map": {"AutoModel": "modeling_minicpmv.MiniCPMV"},
    "hidden_size": 128,
    "intermediate_size": 96,
    "max_position_embeddings": 8192,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1e6,
    "tie_word_embeddings": False,
    "torch_dtype": "float32",
    "vocab_size": 1600,
    "query_num": 64,
    "drop_vision_last_layer": False,
    "vision_config": VISION,
}
PREPROCESSOR = {
    "max_slice_nums": 9,
    "scale_resolution": 448,
    "patch_size": 14,
    "image_feature_size": 64,
    "use_image_id": True,
    "norm_mean": [0.5] * 3,
    "norm_std": [0.5] * 3,
    "version": 2.6,
}


def make_minicpm(kind: str, folder: Path) -> Path:
    """Write a random float32 checkpoint of model type `kind`, "minicpmv" or "minicpmo". Returns the folder."""
    folder.mkdir(parents=True)
    write_json(folder / "config.json", CONFIG | {"model_type": kind})
    write_json(folder / "preprocessor_config.json", PREPROCESSOR)
    write_json(folder / "tokenizer_config.json", {"chat_template": TEMPLATE})
    write_tokenizer(folder / "tokenizer.json")
    torch.manual_seed(7)
    model = MiniCpm(CONFIG)
    widen(model)
    torch.nn.init.normal_(model.resampler.attn.in_proj_bias, 0, 0.15)
    weights = dict(model.state_dict())
    if kind == "minicpmo":
        weights |= {name: torch.zeros(4) for name in ("apm.conv1.bias", "audio_projection_layer.bias", "tts.emb.bias")}
    save_file(weights, folder / "model.safetensors")
    return folder


def write_tokenizer(path: Path) -> None:
    """The embedded model's tokenizer with the family's control tokens."""
    content = json.loads((EMBEDDED_FOLDER / "tokenizer.json").read_text("utf-8"))
    known = content["added_tokens"]
    following = known[-1]["id"] + 1
    content["added_tokens"] = known + [
        known[0] | {"id": following + number, "content": token} for number, token in enumerate(CONTROL)
    ]
    write_json(path, content)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(content), "utf-8")


def change_json(path: Path, **changes: Any) -> None:
    """Change entries of a JSON object in a file."""
    write_json(path, json.loads(path.read_text("utf-8")) | changes)
