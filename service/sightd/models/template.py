"""Chat templates: the Jinja program of a checkpoint that turns messages into one prompt string.

A checkpoint is not trusted: its template runs in Jinja's immutable sandbox, with the few names that
transformers gives to templates (https://huggingface.co/docs/transformers/chat_templating) and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import TemplateError, meta, nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .checkpoint import CheckpointError, read_json

Message = dict[str, Any]
"""A message in transformers' form: `role`, `content` (a string or a list of typed parts), `tool_calls`."""


GIVEN = frozenset({"messages", "add_generation_prompt", "raise_exception", "strftime_now", "namespace", "range"})


class GenerationTag(Extension):
    """Accepts `{% generation %}` blocks, which mark the assistant's text for training and mean nothing here."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        """The block's body in place of the block."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def to_json(
    value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """The `tojson` filter that templates expect: plain JSON, without HTML escapes."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def raise_exception(message: str) -> None:
    """What a template calls to refuse a conversation."""
    raise TemplateError(message)


def strftime_now(pattern: str) -> str:
    """The time of day for templates that print it."""
    return datetime.now().strftime(pattern)


class ChatTemplate:
    """A compiled chat template. Raises jinja2.TemplateError at construction when its text does not compile."""

    def __init__(self, source: str) -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, loopcontrols]
        )
        environment.filters["tojson"] = to_json
        environment.globals.update(raise_exception=raise_exception, strftime_now=strftime_now)
        self.source = source
        self.variables = frozenset(meta.find_undeclared_variables(environment.parse(source))) - GIVEN
        """The names that the template asks for beside the messages."""
        self._template = environment.from_string(source)

    def render(
        self,
        messages: Sequence[Message],
        tools: Sequence[dict[str, Any]] | None = None,
        add_generation_prompt: bool = True,
        **variables: Any,
    ) -> str:
        """The prompt. Raises jinja2.TemplateError with the template's own words when it refuses the conversation."""
        return self._template.render(
            messages=messages, tools=tools, add_generation_prompt=add_generation_prompt, **variables
        )


def template_source(folder: Path) -> str:
    """The chat template, from whichever of its three places the checkpoint keeps it. Raises CheckpointError."""
    if (folder / "chat_template.jinja").exists():
        return (folder / "chat_template.jinja").read_text("utf-8")
    for name in ("chat_template.json", "tokenizer_config.json"):
        if (folder / name).exists() and isinstance(source := read_json(folder / name).get("chat_template"), str):
            return source
    raise CheckpointError(
        f"{folder} has no chat template (chat_template.jinja, chat_template.json or tokenizer_config.json)."
    )


def up_to(prompt: str, said: str) -> str:
    """The prompt up to the end of the last place where `said` stands, so that an answer goes on from there. Raises
    ValueError when it is not there."""
    said = said.strip()
    at = prompt.rfind(said)
    if at < 0 or not said:
        raise ValueError("the last message has no text that the chat template shows, so it cannot be continued")
    return prompt[: at + len(said)]
