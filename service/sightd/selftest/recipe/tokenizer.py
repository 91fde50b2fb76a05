"""The embedded model's tokenizer: byte-level BPE trained on the recipe's own sentences, in Qwen's layout."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from . import samples

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
TAGS = ("<tools>", "</tools>", "<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>")
PIECES = r"\p{Han}| ?[\p{L}&&[^\p{Han}]]+|\p{N}| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+"
"""Single Chinese characters, words with the space before them, single digits, runs of marks, line ends, spaces."""


def corpus(rng: Random, size: int) -> list[str]:
    """Sentences to learn merges from: questions and answers. Printed words stay out, so that they are
    read letter by letter rather than as whole tokens."""
    lines: list[str] = []
    while len(lines) < size:
        sample = samples.text_sample(rng, 4) if rng.random() < 0.1 else samples.picture_sample(rng, (96, 96), 8)
        printed = {text.text for scene in sample.scenes for text in scene.texts}
        for turn in (turn for branch in sample.branches for turn in branch):
            lines += [line for line in (turn.question, turn.answer) if not any(text in line for text in printed)]
    return lines


def train(seed: int, vocabulary: int, lines: int = 60_000) -> Tokenizer:
    """A tokenizer with `vocabulary` tokens, specials included."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary - len(SPECIAL) - len(TAGS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=3,
        show_progress=False,
    )
    tokenizer.train_from_iterator(corpus(Random(seed), lines), trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in TAGS])
    return tokenizer


def save(tokenizer: Tokenizer, folder: Path, template: str) -> None:
    """tokenizer.json, tokenizer_config.json and the chat template, as transformers expects them."""
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    added = {
        str(i): {
            "content": t.content,
            "special": t.special,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "single_word": False,
        }
        for i, t in sorted(tokenizer.get_added_tokens_decoder().items())
    }
    config: dict[str, Any] = {
        "tokenizer_class": "Qwen2Tokenizer",
        "added_tokens_decoder": added,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "clean_up_tokenization_spaces": False,
        "model_max_length": 8192,
        "chat_template": template,
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / "chat_template.jinja").write_text(template, "utf-8")
