"""Random checkpoints of real sizes, for timing only: `python -m sightd.bench.checkpoint 8b FOLDER`.

Tokenizer, template and preprocessor are the embedded model's; what such a model says is noise.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

from ..models.checkpoint import EMBEDDED_FOLDER

TEXT, VISION = "text_config", "vision_config"
SIZES: dict[str, dict[str, dict[str, Any]]] = {
    "8b": {
        TEXT: {
            "hidden_size": 4096,
            "intermediate_size": 12288,
            "num_hidden_layers": 36,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "head_dim": 128,
            "vocab_size": 151936,
        },
        VISION: {
            "hidden_size": 1152,
            "intermediate_size": 4304,
            "depth": 27,
            "num_heads": 16,
            "out_hidden_size": 4096,
            "num_position_embeddings": 2304,
            "deepstack_visual_indexes": [8, 16, 24],
        },
    },
    "small": {
        TEXT: {
            "hidden_size": 1024,
            "intermediate_size": 3072,
            "num_hidden_layers": 14,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "head_dim": 64,
            "vocab_size": 32768,
        },
        VISION: {
            "hidden_size": 512,
            "intermediate_size": 2048,
            "depth": 8,
            "num_heads": 8,
            "out_hidden_size": 1024,
            "num_position_embeddings": 2304,
            "deepstack_visual_indexes": [1, 3, 5],
        },
    },
    "tiny": {
        TEXT: {
            "hidden_size": 128,
            "intermediate_size": 256,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 32,
            "vocab_size": 2048,
        },
        VISION: {
            "hidden_size": 64,
            "intermediate_size": 128,
            "depth": 3,
            "num_heads": 2,
            "out_hidden_size": 128,
            "num_position_embeddings": 2304,
            "deepstack_visual_indexes": [0, 1, 2],
        },
    },
}
"""Qwen3-VL-8B's shape, one of 0.3 billion parameters, and one that is for trying the programs out."""
SPREAD = 0.02
SHARD = 200
"""Tensors in a file."""


def config(size: str) -> dict[str, Any]:
    """config.json: the embedded model's with other sizes."""
    content: dict[str, Any] = json.loads((EMBEDDED_FOLDER / "config.json").read_text("utf-8"))
    content["tie_word_embeddings"] = content[TEXT]["tie_word_embeddings"] = False
    content[TEXT] |= SIZES[size][TEXT] | {"max_position_embeddings": 32768}
    half = content[TEXT]["head_dim"] // 2
    content[TEXT]["rope_parameters"]["mrope_section"] = [half - 2 * (half // 3), half // 3, half // 3]
    content[VISION] |= SIZES[size][VISION]
    return content


def make(size: str, folder: Path) -> None:
    """Write a checkpoint with random weights in bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in EMBEDDED_FOLDER.iterdir():
        if path.suffix in (".json", ".jinja") and path.name != "config.json":
            shutil.copy(path, folder)
    larger = {"size": {"shortest_edge": 64 * 64, "longest_edge": 4096 * 4096}}
    preprocessor = json.loads((EMBEDDED_FOLDER / "preprocessor_config.json").read_text("utf-8"))
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor | larger))
    (folder / "config.json").write_text(json.dumps(config(size)))
    with torch.device("meta"):
        model = Qwen3VLForConditionalGeneration(Qwen3VLConfig.from_pretrained(folder))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    names = list(model.state_dict())
    index: dict[str, str] = {}
    for number in range(0, len(names), SHARD):
        file = f"model-{number // SHARD:05d}.safetensors"
        shapes = {name: model.state_dict()[name].shape for name in names[number : number + SHARD]}
        save_file(
            {name: weight(name, shape, device) for name, shape in shapes.items()}, folder / file, {"format": "pt"}
        )
        index |= dict.fromkeys(shapes, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


def weight(name: str, shape: torch.Size, device: str) -> torch.Tensor:
    """Random numbers; ones for what scales."""
    if "norm" in name and name.endswith("weight"):
        return torch.ones(shape, dtype=torch.bfloat16)
    return torch.empty(shape, dtype=torch.bfloat16, device=device).normal_(std=SPREAD).cpu()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make a random checkpoint of a real model's size.")
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    make(options.size, options.folder)


if __name__ == "__main__":
    main()
