"""From a response request to the chat request that means the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...errors import BadRequest
from ..chat.content import InputImagePart
from ..chat.schema import ChatRequest, chat_request
from .schema import Content, FunctionCall, FunctionCallOutput, Item, NamedTool, ResponsesRequest


def as_chat(body: ResponsesRequest) -> ChatRequest:
    """The same request in the chat API's terms. Raises BadRequest for what only shows when it is put together."""
    fields: dict[str, Any] = {
        "model": body.model,
        "messages": list(messages(body)),
        "max_completion_tokens": body.max_output_tokens,
        "temperature": body.temperature,
        "top_p": body.top_p,
        "response_format": form(body),
        "tool_choice": choice(body),
        "parallel_tool_calls": body.parallel_tool_calls,
        "reasoning_effort": body.reasoning.effort if body.reasoning else None,
    }
    if body.tools:
        fields["tools"] = [
            {"type": "function", "function": tool.model_dump(exclude={"type"}, exclude_none=True)}
            for tool in body.tools
        ]
    return chat_request(fields)


def choice(body: ResponsesRequest) -> Any:
    """Which tools to call, as the chat API has it."""
    wanted = body.tool_choice
    return {"type": "function", "function": {"name": wanted.name}} if isinstance(wanted, NamedTool) else wanted


def messages(body: ResponsesRequest) -> Iterator[dict[str, Any]]:
    """The items as chat messages, the instructions first."""
    if body.instructions:
        yield {"role": "system", "content": body.instructions}
    if isinstance(body.input, str):
        yield {"role": "user", "content": body.input}
        return
    calls: list[dict[str, Any]] = []
    for item in body.input:
        if calls and not isinstance(item, FunctionCall):
            yield {"role": "assistant", "content": None, "tool_calls": calls}
            calls = []
        if isinstance(item, FunctionCall):
            function = {"name": item.name, "arguments": item.arguments}
            calls.append({"id": item.call_id, "type": "function", "function": function})
        else:
            yield message(item)
    if calls:
        yield {"role": "assistant", "content": None, "tool_calls": calls}


def message(item: Item) -> dict[str, Any]:
    """A turn, or what a call gave, as a chat message."""
    if isinstance(item, FunctionCallOutput):
        return {"role": "tool", "tool_call_id": item.call_id, "content": in_chat(item.output)}
    assert not isinstance(item, FunctionCall)
    return {"role": item.role, "content": in_chat(item.content)}


def in_chat(content: str | list[Content]) -> str | list[dict[str, Any]]:
    """A text, or parts as a chat message has them."""
    if isinstance(content, str):
        return content
    return [
        {"type": "image_url", "image_url": {"url": part.image_url}}
        if isinstance(part, InputImagePart)
        else {"type": "text", "text": part.text}
        for part in content
    ]


def form(body: ResponsesRequest) -> dict[str, Any] | None:
    """The form of the answer as the chat API has it. Raises BadRequest for a schema that is missing."""
    wanted = body.text.format if body.text else None
    if wanted is None:
        return None
    if wanted.type != "json_schema":
        return {"type": wanted.type}
    if wanted.schema_ is None:
        raise BadRequest("text.format.schema is missing.", "缺少 text.format.schema。", param="text.format.schema")
    return {"type": "json_schema", "json_schema": {"name": wanted.name, "schema": wanted.schema_}}
