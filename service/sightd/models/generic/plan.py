"""The torch-free side of a generic checkpoint. Its prompts are read by the engine, since only the checkpoint's own
processor knows how many tokens a picture takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from ..checkpoint import CheckpointError, read_json
from ..families import Batching, PicturePlan
from ..prompt import Media, Prompt
from ..template import ChatTemplate, Message, template_source
from ..tokenizer import Tokenizer

MOST_PIXELS = 4096 * 4096
"""Pixels of a picture up to which it is handed over as it is; processors rarely look at more."""
SAMPLE = (224, 224)
NAMED_TOKENS = frozenset({"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"})
"""What transformers gives to templates beside the conversation."""
PROBE = "a8f3c1"
"""A text that no template contains."""


class GenericPrompts:
    """Hands conversations over as they are, but for the form of their texts: some templates want strings, some lists of
    parts, and what is in the wrong form they leave out without a word."""

    batching: Batching = "turns"
    picture_plan = PicturePlan("generic", {"most_pixels": MOST_PIXELS}, SAMPLE)
    video_plan = None

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate) -> None:
        self.tokenizer = tokenizer
        self.template = template
        template.variables -= NAMED_TOKENS
        self._strings = {role for role in ("system", "user", "assistant") if shows(template, role, PROBE)}
        parts = [{"type": "text", "text": PROBE}]
        self._lists = {role for role in ("system", "user", "assistant") if shows(template, role, parts)}

    def build(
        self,
        messages: Sequence[Message],
        media: Sequence[Media] = (),
        tools: Sequence[dict[str, Any]] | None = None,
        continued: str = "",
        **variables: Any,
    ) -> Prompt:
        """The conversation for the engine to read; see `sightd.models.prompt.Prompt`. Raises ValueError for a video."""
        if any(medium.kind == "video" for medium in media):
            raise ValueError("videos are not understood for this model; send frames as pictures")
        conversation = {
            "messages": [self._in_form(message) for message in messages],
            "tools": list(tools) if tools else None,
            "continued": bool(continued),
            "variables": {"add_generation_prompt": True} | variables,
        }
        return Prompt([], conversation=json.dumps(conversation))

    def _in_form(self, message: Message) -> Message:
        role, content = message["role"], message["content"]
        if isinstance(content, str) and role in self._lists - self._strings:
            return message | {"content": [{"type": "text", "text": content}]}
        if isinstance(content, list) and role in self._strings - self._lists:
            texts = [part["text"] for part in content if part["type"] == "text"]
            return message | {"content": "".join(texts)} if len(texts) == len(content) else message
        return message


def shows(template: ChatTemplate, role: str, content: Any) -> bool:
    """Whether the template writes the text of a message that has this content."""
    before = [{"role": "user", "content": content}] if role == "assistant" else []
    after = [{"role": "user", "content": content}] if role == "system" else []
    try:
        alone = template.render([*before, *after]) if role != "user" else ""
        text = template.render([*before, {"role": role, "content": content}, *after])
    except (TemplateError, TypeError, ValueError):
        return False
    # A list that is written as a string is a list of Python, quotes and all.
    return text.count(PROBE) > alone.count(PROBE) and "'type'" not in text


def prompt_builder(folder: Path) -> GenericPrompts:
    """Read the checkpoint's tokenizer and template. Raises CheckpointError."""
    try:
        tokenizer = Tokenizer(folder)
        check_named_tokens(folder, tokenizer)
        return GenericPrompts(tokenizer, ChatTemplate(template_source(folder)))
    except (FileNotFoundError, ValueError, TemplateError) as error:
        raise CheckpointError(f"{folder}: {error}") from error


def check_named_tokens(folder: Path, tokenizer: Tokenizer) -> None:
    """Raise ValueError when tokenizer_config.json names vision tokens that the tokenizer lacks: transformers would add
    them with numbers that the network never learnt."""
    path = folder / "tokenizer_config.json"
    named = read_json(path).get("extra_special_tokens") if path.exists() else None
    tokens = [token for token in named.values() if isinstance(token, str)] if isinstance(named, dict) else []
    if missing := [token for token in tokens if tokenizer.id_of(token) is None]:
        raise ValueError(f"The tokenizer lacks the tokens {', '.join(missing)}, which tokenizer_config.json names.")
