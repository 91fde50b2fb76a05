"""Tiny random checkpoints of architectures that transformers drives by itself, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from sightd.models.checkpoint import EMBEDDED_FOLDER
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModelForImageTextToText

from .checkpoints import widen

TEXT: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 1600,
    "max_position_embeddings": 2048,
    "tie_word_embeddings": False,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": 1523,
}
VISION: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "image_size": 56,
    "patch_size": 14,
}
HYBRID: dict[str, Any] = TEXT | {
    "model_type": "qwen3_5_text",
    "num_hidden_layers": 4,
    "linear_key_head_dim": 16,
    "linear_value_head_dim": 16,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "rope_parameters": {
        "rope_type": "default",
        "rope_theta": 10000.0,
        "mrope_section": [1, 1, 0],
        "mrope_interleaved": True,
        "partial_rotary_factor": 0.25,
    },
}
CLIP = {"image_mean": [0.48, 0.46, 0.41], "image_std": [0.27, 0.26, 0.28]}
LISTS = (
    "{% if messages[0]['role'] == 'assistant' %}{{ raise_exception('It begins with an answer.') }}{% endif %}"
    "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] }}\n"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}IMAGE{% elif part['type'] == 'text' %}"
    "{{ part['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""A template as many of these families have it: of a content that is a string it writes nothing."""

MODELS: dict[str, dict[str, Any]] = {
    "llava": {
        "config": {
            "text_config": TEXT | {"model_type": "llama"},
            "vision_config": VISION | {"model_type": "clip_vision_model", "projection_dim": 32},
            "image_token_index": "<image>",
        },
        "tokens": {"image_token": "<image>"},
        "placed": "<image>",
        "processor": {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1},
        "pictures": CLIP
        | {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 56},
            "crop_size": {"height": 56, "width": 56},
        },
    },
    "gemma3": {
        "config": {
            "text_config": TEXT | {"model_type": "gemma3_text", "sliding_window": 16, "query_pre_attn_scalar": 16},
            "vision_config": VISION | {"model_type": "siglip_vision_model"},
            "mm_tokens_per_image": 4,
            "image_token_id": "<image_soft_token>",
            "boi_token_index": "<start_of_image>",
            "eoi_token_index": "<end_of_image>",
        },
        "tokens": {
            "image_token": "<image_soft_token>",
            "boi_token": "<start_of_image>",
            "eoi_token": "<end_of_image>",
        },
        "placed": "<start_of_image>",
        "processor": {"image_seq_length": 4},
        "pictures": CLIP | {"image_processor_type": "Gemma3ImageProcessor", "size": {"height": 56, "width": 56}},
    },
    "qwen3_5": {
        "config": {
            "text_config": HYBRID,
            "vision_config": {
                "hidden_size": 32,
                "out_hidden_size": 64,
                "intermediate_size": 64,
                "depth": 2,
                "num_heads": 2,
                "patch_size": 16,
                "num_position_embeddings": 64,
            },
            "image_token_id": "<|image_pad|>",
            "video_token_id": "<|video_pad|>",
            "vision_start_token_id": "<|vision_start|>",
            "vision_end_token_id": "<|vision_end|>",
        },
        "tokens": {},
        "placed": "<|vision_start|><|image_pad|><|vision_end|>",
        "processor": {},
        "pictures": CLIP
        | {
            "image_processor_type": "Qwen2VLImageProcessor",
            "patch_size": 16,
            "size": {"shortest_edge": 64**2, "longest_edge": 160**2},
        },
    },
    "minicpmv4_6": {
        "config": {
            "text_config": HYBRID,
            "vision_config": VISION | {"model_type": "minicpmv4_6_vision", "image_size": 224, "insert_layer_id": 1},
            "insert_layer_id": 1,
            "image_size": 112,
            "image_token_id": "<|image_pad|>",
            "video_token_id": "<|video_pad|>",
        },
        "tokens": {
            "image_token": "<|image_pad|>",
            "video_token": "<|video_pad|>",
            "image_start_token": "<image>",
            "image_end_token": "</image>",
            "slice_start_token": "<slice>",
            "slice_end_token": "</slice>",
            "image_id_start_token": "<image_id>",
            "image_id_end_token": "</image_id>",
        },
        "placed": "<|image_pad|>",
        "processor": {},
        "pictures": CLIP
        | {
            "image_processor_type": "MiniCPMV4_6ImageProcessor",
            "max_slice_nums": 4,
            "scale_resolution": 112,
            "patch_size": 14,
            "use_image_id": True,
            "slice_mode": True,
            "downsample_mode": "16x",
        },
    },
}
MODELS["minicpmv4_7"] = MODELS["minicpmv4_6"] | {
    "config": MODELS["minicpmv4_6"]["config"]
    | {
        "vision_config": MODELS["minicpmv4_6"]["config"]["vision_config"] | {"model_type": "minicpmv4_7_vision"},
        "image_start_id": "<image>",
        "image_end_id": "</image>",
        "slice_start_id": "<slice>",
        "slice_end_id": "</slice>",
        # A line feed, as byte-level vocabularies write it.
        "newline_id": "Ċ",
    }
}


def make_generic(kind: str, folder: Path, seed: int = 7) -> Path:
    """Write a random float32 checkpoint of an architecture, whose tokenizer is the embedded model's with what it needs
    beside. Returns the folder."""
    folder.mkdir(parents=True)
    made = MODELS[kind]
    tokenizer = write_tokenizer(folder, made["tokens"], LISTS.replace("IMAGE", made["placed"]))
    config = {
        key: tokenizer.token_to_id(value) if isinstance(value, str) else value for key, value in made["config"].items()
    }
    torch.manual_seed(seed)
    model = AutoModelForImageTextToText.from_config(AutoConfig.for_model(kind, **config), dtype=torch.float32)
    widen(model)
    # Without an end token every answer goes on to its limit, which compares more tokens.
    model.generation_config.eos_token_id = None
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(made["pictures"]))
    (folder / "processor_config.json").write_text(json.dumps(made["processor"]))
    return folder


def write_tokenizer(folder: Path, named: dict[str, str], template: str) -> Tokenizer:
    """The embedded model's tokenizer with more special tokens, and a chat template."""
    tokenizer = Tokenizer.from_file(str(EMBEDDED_FOLDER / "tokenizer.json"))
    tokenizer.add_special_tokens(list(named.values()))
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "extra_special_tokens": named,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    (folder / "chat_template.jinja").write_text(template)
    return tokenizer
