"""A checkpoint's network as transformers drives it. Imports torch and transformers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import GenerationConfig

from ..checkpoint import CheckpointError, read_json
from ..fitting import check_pretrained
from ..network import CacheShape
from ..pretrained import load_pretrained
from ..quantising import quantise
from .processor import Reader, Unreadable

POSITIONS = 32_768
"""The longest sequence of a network that does not say."""


@dataclass(frozen=True)
class GenericNetwork:
    """A loaded checkpoint with its processor. `cache_shape` is the most that a token can take in the network's cache:
    layers that keep a window or a state only take less."""

    module: nn.Module
    reader: Reader
    device: torch.device
    cache_shape: CacheShape
    max_positions: int
    vocabulary: int
    parameters: int
    eos_token_ids: tuple[int, ...]


def load(folder: Path, device: torch.device, dtype: torch.dtype | str, _: str, quantization: str) -> GenericNetwork:
    """Load a checkpoint folder onto `device`. Raises CheckpointError."""
    reader = checked_reader(folder)
    model: Any = load_pretrained(folder, dtype)
    if model.config.is_encoder_decoder or not model.can_generate():
        raise CheckpointError(f"{folder}: {type(model).__name__} does not answer token by token from a prompt.")
    text = model.config.get_text_config()
    eos = end_tokens(model.generation_config, text)
    quantise(model.requires_grad_(False).get_decoder(), quantization, device)
    # What the checkpoint says about sampling is the front's affair.
    model.generation_config = GenerationConfig(pad_token_id=eos[0] if eos else 0)
    return GenericNetwork(
        module=model.eval().to(device),
        reader=reader,
        device=device,
        cache_shape=cache_shape(text, model.dtype),
        max_positions=int(getattr(text, "max_position_embeddings", None) or POSITIONS),
        vocabulary=int(text.vocab_size),
        parameters=sum(p.numel() for p in model.parameters()),
        eos_token_ids=eos,
    )


def check_fit(folder: Path) -> None:
    """Raise CheckpointError unless the weights are those of the network that config.json describes, by their headers,
    and the checkpoint's processor can be made."""
    check_pretrained(folder)
    checked_reader(folder)


def checked_reader(folder: Path) -> Reader:
    """The checkpoint's processor, which gives pictures the token that config.json says. Raises CheckpointError."""
    reader = Reader(folder)
    config = read_json(folder / "config.json")
    token = config.get("image_token_id", config.get("image_token_index"))
    try:
        fits = reader.places_pictures_at(token) if isinstance(token, int) else True
    except Unreadable as error:
        raise CheckpointError(f"{folder}: its processor does not take a question about a picture: {error}") from error
    if not fits:
        raise CheckpointError(
            f"{folder}: a picture does not become token {token}, which config.json names: the tokenizer lacks a vision "
            "token, or tokenizer, chat template and config.json are of different checkpoints."
        )
    return reader


def end_tokens(generation: GenerationConfig, text: Any) -> tuple[int, ...]:
    """The tokens that end an answer."""
    eos = generation.eos_token_id if generation.eos_token_id is not None else getattr(text, "eos_token_id", None)
    return tuple(eos) if isinstance(eos, (list, tuple)) else (eos,) if eos is not None else ()


def cache_shape(text: Any, dtype: torch.dtype) -> CacheShape:
    """The cache of a network that keeps keys and values in every layer."""
    heads = int(text.num_attention_heads)
    return CacheShape(
        layers=int(text.num_hidden_layers),
        kv_heads=int(getattr(text, "num_key_value_heads", None) or heads),
        head_dim=int(getattr(text, "head_dim", None) or text.hidden_size // heads),
        dtype=dtype,
    )
