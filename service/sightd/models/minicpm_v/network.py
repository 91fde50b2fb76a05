"""The MiniCPM 2.6 network: SigLIP, resampler, and transformers' Qwen2 as the language model, with packed tokens and
attention of ours."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import Qwen2Config, Qwen2ForCausalLM, SiglipVisionConfig

from ..checkpoint import CheckpointError
from ..languagemodel import LanguageModel
from ..network import CacheShape, PackedTokens
from ..prompt import Span
from ..quantising import quantise
from ..tokenizer import Tokenizer
from .resampler import Resampler
from .settings import Preprocessing, read_config, read_preprocessing
from .vision import Normalisation, VisionEncoder
from .weights import check, check_quantisation, described_weights, read_weights, tie

ENDS = ("<|im_end|>", "<|endoftext|>")
"""What ends an answer: the reference looks these up by their text and reads no generation_config.json."""
TEXT_KEYS = (
    "hidden_act", "hidden_size", "intermediate_size", "max_position_embeddings", "num_attention_heads",
    "num_hidden_layers", "num_key_value_heads", "rms_norm_eps", "rope_scaling", "rope_theta", "tie_word_embeddings",
    "vocab_size",
)  # fmt: skip
"""What config.json says of the language model; it stands among everything else there."""
NEEDED = (
    "hidden_size", "intermediate_size", "num_attention_heads", "num_hidden_layers", "query_num", "vision_config",
    "vocab_size",
)  # fmt: skip
"""What config.json must say."""
VISION_KEYS = (
    "hidden_size", "image_size", "intermediate_size", "num_attention_heads", "num_hidden_layers", "patch_size",
)  # fmt: skip


class MiniCpm(nn.Module):
    """The three modules under the names that the checkpoints have for them."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        vision = SiglipVisionConfig(**{key: config["vision_config"][key] for key in VISION_KEYS})
        if config.get("drop_vision_last_layer", True):
            vision.num_hidden_layers -= 1
        self.llm = Qwen2ForCausalLM(Qwen2Config(**{key: config[key] for key in TEXT_KEYS if key in config}))
        self.vpm = VisionEncoder(vision)
        self.resampler = Resampler(config["query_num"], config["hidden_size"], vision.hidden_size)


class MiniCpmNetwork:
    """A loaded MiniCPM-V 2.6 or MiniCPM-o 2.6 checkpoint. See `sightd.models.network.Network`."""

    temporal = 1
    penalises_prompt = False

    def __init__(
        self, module: MiniCpm, config: dict[str, Any], preprocessing: Preprocessing, ends: Sequence[int]
    ) -> None:
        text: Any = module.llm.config
        parameter = module.resampler.query
        self.module = self._model = module
        self._text = LanguageModel(module.llm.model)
        self.device = parameter.device
        head_dim = text.hidden_size // text.num_attention_heads
        self.cache_shape = CacheShape(text.num_hidden_layers, text.num_key_value_heads, head_dim, parameter.dtype)
        self.heads = int(text.num_attention_heads)
        self.max_positions = int(text.max_position_embeddings)
        self.vocabulary = int(text.vocab_size)
        self.parameters = sum(p.numel() for p in module.parameters())
        self.eos_token_ids = tuple(ends)
        # The reference of V, but not of o, takes token 0 of a prompt for padding; it is "!" in the vocabulary.
        self.unseen_token = 0 if config["model_type"] == "minicpmv" else None
        self._queries = preprocessing.queries
        self._normalisation = Normalisation(preprocessing.mean, preprocessing.std, preprocessing.patch)

    def vision_layers(self) -> Sequence[nn.Module]:
        """See `Network.vision_layers`; the resampler is the last."""
        return [*self._model.vpm.encoder.layers, self._model.resampler]

    def feature_count(self, frames: int, height: int, width: int) -> int:
        """See `Network.feature_count`; every frame or slice has as many, whatever its size."""
        return frames * self._queries

    def positions(self, length: int, spans: Sequence[Span]) -> tuple[NDArray[np.int64], int]:
        """See `Network.positions`; they are plain numbers, one axis."""
        return np.arange(length)[None], length

    def encode(self, media: Sequence[Tensor], step: Any) -> list[Tensor]:
        """See `Network.encode`."""
        patch = self._normalisation.patch
        sides = [(frames.shape[1] // patch, frames.shape[2] // patch) for frames in media]
        patches = torch.cat([self._normalisation.patches(frames.to(self.device)) for frames in media])
        every = [side for side, frames in zip(sides, media, strict=True) for _ in frames]
        hidden = self._model.vpm(patches, every, step)
        parts = hidden.split([len(f) * rows * columns for f, (rows, columns) in zip(media, sides, strict=True)])
        return [
            self._model.resampler(part.unflatten(0, (len(frames), -1)), *side).flatten(0, 1)
            for part, frames, side in zip(parts, media, sides, strict=True)
        ]

    def hidden(self, tokens: PackedTokens, step: Any) -> Tensor:
        """See `Network.hidden`."""
        return self._text.hidden(tokens, step)

    def logits(self, hidden: Tensor) -> Tensor:
        """See `Network.logits`."""
        logits: Tensor = self._model.llm.lm_head(hidden)
        return logits.float()


def load(
    folder: Path, device: torch.device, dtype: torch.dtype | str, attention: str, quantization: str
) -> MiniCpmNetwork:
    """Load a checkpoint folder onto `device`. Raises CheckpointError when it cannot be loaded whole."""
    config, preprocessing = read_config(folder), read_preprocessing(folder)
    check_config(config, preprocessing, folder)
    check_quantisation(config, folder)
    first = device if quantization == "none" else torch.device("cpu")
    weights = read_weights(folder, first, stored_dtype(config, folder) if isinstance(dtype, str) else dtype)
    tie(weights, config)
    with torch.device("meta"):
        module = MiniCpm(config)
    check(module.state_dict(), weights, folder)
    module.load_state_dict(weights, assign=True)
    # Its frequencies are no weights and were left without values above.
    module.llm.model.rotary_emb = type(module.llm.model.rotary_emb)(module.llm.config)
    quantise(module.llm.model, quantization, device)
    module.to(device)
    for one in (module.llm.config, module.vpm.config):
        one._attn_implementation = attention  # noqa: SLF001
    ends = [index for token in ENDS if (index := Tokenizer(folder).id_of(token)) is not None]
    return MiniCpmNetwork(module.eval().requires_grad_(False), config, preprocessing, ends)


def check_fit(folder: Path) -> None:
    """Raise CheckpointError unless the weights are those of the network that config.json describes, by their
    headers."""
    config, preprocessing = read_config(folder), read_preprocessing(folder)
    check_config(config, preprocessing, folder)
    check_quantisation(config, folder)
    weights = described_weights(folder)
    tie(weights, config)
    with torch.device("meta"):
        check(MiniCpm(config).state_dict(), weights, folder)


def stored_dtype(config: dict[str, Any], folder: Path) -> torch.dtype:
    """The dtype that config.json names; bfloat16, that of the official ones, when it names none. Raises CheckpointError
    for one that torch does not know."""
    name = config.get("dtype") or config.get("torch_dtype") or "bfloat16"
    dtype = getattr(torch, str(name), None)
    if not isinstance(dtype, torch.dtype):
        raise CheckpointError(f"{folder / 'config.json'}: torch_dtype {name!r} is not a dtype.")
    return dtype


def check_config(config: dict[str, Any], preprocessing: Preprocessing, folder: Path) -> None:
    """Raise CheckpointError for settings that this network does not have."""
    if lacking := [key for key in NEEDED if not config.get(key)]:
        raise CheckpointError(f"{folder / 'config.json'} lacks {', '.join(lacking)}.")
    if config.get("use_sliding_window"):
        raise CheckpointError(f"{folder / 'config.json'}: use_sliding_window is not supported.")
    if config["query_num"] != preprocessing.queries:
        raise CheckpointError(
            f"{folder}: query_num of config.json and image_feature_size of preprocessor_config.json differ."
        )
