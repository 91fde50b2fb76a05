"""Tiny random checkpoints of the supported families, made on the spot in the official layout."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from sightd.models.checkpoint import EMBEDDED_FOLDER
from transformers import AutoConfig, AutoModelForImageTextToText

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")

TEXT = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 1536,
    "max_position_embeddings": 4096,
    "tie_word_embeddings": False,
}
FAMILIES: dict[str, dict[str, Any]] = {
    "qwen2_vl": {
        "text_config": {
            **TEXT,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
        },
        "vision_config": {
            "embed_dim": 32,
            "hidden_size": 64,
            "depth": 3,
            "num_heads": 2,
            "patch_size": 14,
            "mlp_ratio": 2,
        },
    },
    "qwen2_5_vl": {
        "text_config": {
            **TEXT,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
        },
        "vision_config": {
            "hidden_size": 32,
            "out_hidden_size": 64,
            "intermediate_size": 64,
            "depth": 3,
            "num_heads": 2,
            "patch_size": 14,
            "window_size": 56,
            "fullatt_block_indexes": [1],
            "tokens_per_second": 2,
        },
    },
    "qwen3_vl": {
        "text_config": {
            **TEXT,
            "head_dim": 24,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 10000.0,
                "mrope_section": [4, 4, 4],
                "mrope_interleaved": True,
            },
        },
        "vision_config": {
            "hidden_size": 32,
            "out_hidden_size": 64,
            "intermediate_size": 64,
            "depth": 3,
            "num_heads": 2,
            "patch_size": 16,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0, 1],
        },
    },
}
FAMILIES["qwen3_vl_moe"] = {
    "text_config": FAMILIES["qwen3_vl"]["text_config"]
    | {
        "moe_intermediate_size": 48,
        "num_experts": 8,
        "num_experts_per_tok": 2,
        "mlp_only_layers": [1],
    },
    "vision_config": FAMILIES["qwen3_vl"]["vision_config"],
}


def make(family: str, folder: Path, seed: int = 7) -> Path:
    """Write a random float32 checkpoint of a family, with the embedded model's tokenizer. Returns the folder."""
    folder.mkdir(parents=True)
    for name in TOKENIZER_FILES:
        shutil.copy(EMBEDDED_FOLDER / name, folder / name)
    embedded = json.loads((EMBEDDED_FOLDER / "config.json").read_text())
    special = {
        key: embedded[key]
        for key in ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
    }
    config = AutoConfig.for_model(family, **FAMILIES[family], **special, tie_word_embeddings=False)
    torch.manual_seed(seed)
    model = AutoModelForImageTextToText.from_config(config, dtype=torch.float32)
    widen(model)
    # Without an end token every answer goes on to its limit, which compares more tokens.
    model.generation_config.eos_token_id = None
    model.save_pretrained(folder)
    write_preprocessor(folder, FAMILIES[family]["vision_config"]["patch_size"])
    return folder


def widen(model: torch.nn.Module) -> None:
    """Larger weights than the usual start values, so that pictures and earlier tokens change what comes next."""
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim >= 2:
                parameter.normal_(0, 0.15)


def write_preprocessor(folder: Path, patch: int) -> None:
    """preprocessor_config.json as the families have it."""
    content = {
        "image_processor_type": "Qwen2VLImageProcessor",
        "patch_size": patch,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "size": {"shortest_edge": (4 * patch) ** 2, "longest_edge": (20 * patch) ** 2},
        "image_mean": [0.48, 0.46, 0.41],
        "image_std": [0.27, 0.26, 0.28],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(content))
