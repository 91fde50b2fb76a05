"""The embedded model's size and its files, in the standard layout of a Qwen3-VL checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from . import tokenizer as own_tokenizer

VOCABULARY = 1536
TEMPLATE = Path(__file__).with_name("chat_template.jinja")

IMAGE_PIXELS = (30_000, 192 * 192)
VIDEO_PIXELS = (2 * 64 * 64, 8 * 160 * 160)

PREPROCESSOR: dict[str, Any] = {
    "patch_size": 16,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "do_convert_rgb": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "rescale_factor": 1 / 255,
    "resample": 3,
    "processor_class": "Qwen3VLProcessor",
}


def config(tokenizer: Tokenizer) -> dict[str, Any]:
    """config.json: 5.7 million parameters."""
    special = {name: tokenizer.token_to_id(name) for name in own_tokenizer.SPECIAL}
    return {
        "architectures": ["Qwen3VLForConditionalGeneration"],
        "model_type": "qwen3_vl",
        "dtype": "bfloat16",
        "tie_word_embeddings": True,
        "image_token_id": special["<|image_pad|>"],
        "video_token_id": special["<|video_pad|>"],
        "vision_start_token_id": special["<|vision_start|>"],
        "vision_end_token_id": special["<|vision_end|>"],
        "text_config": {
            "model_type": "qwen3_vl_text",
            "hidden_size": 192,
            "intermediate_size": 512,
            "num_hidden_layers": 4,
            "num_attention_heads": 6,
            "num_key_value_heads": 3,
            "head_dim": 32,
            "vocab_size": VOCABULARY,
            "max_position_embeddings": 8192,
            "rms_norm_eps": 1e-6,
            "hidden_act": "silu",
            "attention_bias": False,
            "tie_word_embeddings": True,
            "dtype": "bfloat16",
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 50000.0,
                "mrope_section": [6, 5, 5],
                "mrope_interleaved": True,
            },
            "eos_token_id": special["<|im_end|>"],
            "bos_token_id": special["<|endoftext|>"],
            "pad_token_id": special["<|endoftext|>"],
        },
        "vision_config": {
            "model_type": "qwen3_vl",
            "hidden_size": 160,
            "intermediate_size": 512,
            "depth": 6,
            "num_heads": 5,
            "out_hidden_size": 192,
            "patch_size": 16,
            "temporal_patch_size": 2,
            "spatial_merge_size": 2,
            "in_channels": 3,
            "num_position_embeddings": 256,
            "deepstack_visual_indexes": [2],
            "hidden_act": "gelu_pytorch_tanh",
            "dtype": "bfloat16",
        },
    }


def write_files(folder: Path, seed: int) -> None:
    """Everything but the weights. Makes the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = own_tokenizer.train(seed, VOCABULARY)
    own_tokenizer.save(tokenizer, folder, TEMPLATE.read_text("utf-8"))
    special = {name: tokenizer.token_to_id(name) for name in own_tokenizer.SPECIAL}
    image = {
        "image_processor_type": "Qwen2VLImageProcessorFast",
        "size": {"shortest_edge": IMAGE_PIXELS[0], "longest_edge": IMAGE_PIXELS[1]},
    }
    video = {
        "video_processor_type": "Qwen3VLVideoProcessor",
        "size": {"shortest_edge": VIDEO_PIXELS[0], "longest_edge": VIDEO_PIXELS[1]},
        "fps": 2,
        "min_frames": 2,
        "max_frames": 8,
    }
    generation = {
        "do_sample": False,
        "eos_token_id": [special["<|im_end|>"], special["<|endoftext|>"]],
        "pad_token_id": special["<|endoftext|>"],
        "max_new_tokens": 256,
    }
    for name, content in (
        ("config.json", config(tokenizer)),
        ("preprocessor_config.json", image | PREPROCESSOR),
        ("video_preprocessor_config.json", video | PREPROCESSOR),
        ("generation_config.json", generation),
    ):
        (folder / name).write_text(json.dumps(content, indent=1) + "\n", "utf-8")
