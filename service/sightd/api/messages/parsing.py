"""From a message request to the chat request that means the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..chat.schema import ChatRequest, chat_request
from .schema import (
    Base64Source,
    Block,
    CountRequest,
    ImageBlock,
    MessagesRequest,
    TextBlock,
    ToolChoice,
    ToolResultBlock,
    ToolUseBlock,
)

CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def as_chat(body: CountRequest) -> ChatRequest:
    """The same request in OpenAI's terms. Raises BadRequest for what only shows when it is put together."""
    fields: dict[str, Any] = {"model": body.model, "messages": list(messages(body))}
    if body.tool_choice is not None:
        fields["tool_choice"] = choice(body.tool_choice)
    if body.tools:
        fields["tools"] = [tool_of(tool) for tool in body.tools]
        fields["parallel_tool_calls"] = not (body.tool_choice and body.tool_choice.disable_parallel_tool_use)
    if fields["messages"][-1]["role"] == "assistant":
        fields |= {"continue_final_message": True}
    if isinstance(body, MessagesRequest):
        names = ("max_tokens", "temperature", "top_p", "top_k")
        fields |= {name: getattr(body, name) for name in names}
        fields |= {"stop": body.stop_sequences, "stream": body.stream}
    return chat_request(fields)


def messages(body: CountRequest) -> Iterator[dict[str, Any]]:
    """The turns as chat messages, the system's first."""
    if body.system:
        content = body.system if isinstance(body.system, str) else [part(block) for block in body.system]
        yield {"role": "system", "content": content}
    for turn in body.messages:
        if isinstance(turn.content, str):
            yield {"role": turn.role, "content": turn.content}
        else:
            yield from turn_of(turn.role, turn.content)


def turn_of(role: str, blocks: list[Block]) -> Iterator[dict[str, Any]]:
    """One turn's blocks as messages: results of calls are messages of their own."""
    calls, parts = [], []
    for block in blocks:
        if isinstance(block, ToolResultBlock):
            content = block.content if isinstance(block.content, str) else [part(inner) for inner in block.content]
            yield {"role": "tool", "tool_call_id": block.tool_use_id, "content": content}
        elif isinstance(block, ToolUseBlock):
            arguments = json.dumps(block.input, ensure_ascii=False)
            calls.append({"id": block.id, "type": "function", "function": {"name": block.name, "arguments": arguments}})
        else:
            parts.append(part(block))
    if calls:
        yield {"role": role, "content": parts or None, "tool_calls": calls}
    elif parts:
        yield {"role": role, "content": parts}


def part(block: TextBlock | ImageBlock) -> dict[str, Any]:
    """A block as a content part."""
    if isinstance(block, TextBlock):
        return {"type": "text", "text": block.text}
    source = block.source
    url = f"data:{source.media_type};base64,{source.data}" if isinstance(source, Base64Source) else source.url
    return {"type": "image_url", "image_url": {"url": url}}


def tool_of(tool: Any) -> dict[str, Any]:
    """A tool as chat requests have it."""
    function = {"name": tool.name, "description": tool.description, "parameters": tool.input_schema}
    return {"type": "function", "function": function}


def choice(wanted: ToolChoice) -> Any:
    """Which tools to call, in OpenAI's terms."""
    return CHOICES.get(wanted.type) or {"type": "function", "function": {"name": wanted.name}}
