"""From a chat request to a conversation."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from ...errors import BadRequest
from ...media.fetch.fetcher import RemotePicture
from ...media.fetch.urls import is_remote
from ...media.kinds import PICTURE, VIDEO, Kind
from ...models.template import ChatTemplate
from ..conversation import Conversation, PictureOptions
from ..jsonobjects import MOST_INSIDE, bounded
from .content import Message, TextPart, ToolCall, VideoPart, VideoUrlPart
from .schema import ChatRequest

DATA_URI = re.compile(r"data:(?P<kind>\w*)(/[\w.+-]+)?(;[\w=.+-]+)*;base64,", re.ASCII | re.IGNORECASE)
"""How a data: URI begins. The subtype may be left out, as in Qwen's own examples: the file itself says what it is."""

Files = dict[str, list[bytes | RemotePicture]]
"""Encoded files, or where to fetch them, by the type of their kind."""


def conversation(request: ChatRequest, template: ChatTemplate) -> Conversation:
    """The request's messages, pictures, videos and tools. Raises BadRequest for media that cannot be had and for what
    the model's template has no place for."""
    files: Files = {PICTURE.type: [], VIDEO.type: []}
    messages = [in_template_form(message, index, files) for index, message in enumerate(request.messages)]
    goes_on = bool(request.continue_final_message)
    begins = not goes_on if request.add_generation_prompt is None else request.add_generation_prompt
    options = request.mm_processor_kwargs
    return Conversation(
        messages,
        files[PICTURE.type],
        files[VIDEO.type],
        tools(request, template),
        {"add_generation_prompt": begins, **variables(request, template)},
        last_text(messages) if goes_on else "",
        PictureOptions(**options.model_dump()) if options else PictureOptions(),
    )


def in_template_form(message: Message, index: int, files: Files) -> dict[str, Any]:
    """One message for the chat template; its pictures and videos are added to `files`."""
    result: dict[str, Any] = {"role": "system" if message.role == "developer" else message.role}
    if message.tool_calls:
        result["tool_calls"] = [called(call, index) for call in message.tool_calls]
    if message.content is None or isinstance(message.content, str):
        return result | {"content": message.content or ""}
    content: list[dict[str, Any]] = []
    for number, part in enumerate(message.content):
        if isinstance(part, TextPart):
            content.append({"type": "text", "text": part.text})
        else:
            url, field = part.url
            param = f"messages[{index}].content[{number}].{field}"
            kind = VIDEO if isinstance(part, VideoPart | VideoUrlPart) else PICTURE
            files[kind.type].append(RemotePicture(url, param) if is_remote(url) else from_data_uri(url, param, kind))
            content.append({"type": kind.type})
    return result | {"content": content}


def called(call: ToolCall, index: int) -> dict[str, Any]:
    """An earlier call for the template, which wants its arguments as an object. Raises BadRequest."""
    try:
        arguments = bounded(json.loads(call.function.arguments or "{}"))
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise BadRequest(
            f"The arguments of a tool call must be the text of a JSON object of at most {MOST_INSIDE} values.",
            f"工具调用的 arguments 必须是 JSON 对象的文本，其中最多 {MOST_INSIDE} 个值。",
            param=f"messages[{index}].tool_calls",
            code="invalid_value",
        )
    return {"type": "function", "function": {"name": call.function.name, "arguments": arguments}}


def last_text(messages: list[dict[str, Any]]) -> str:
    """The last text of the last message."""
    content = messages[-1]["content"]
    if isinstance(content, str):
        return content
    return next((str(part["text"]) for part in reversed(content) if part["type"] == "text"), "")


def tools(request: ChatRequest, template: ChatTemplate) -> list[dict[str, Any]]:
    """The tools to tell the model of. Raises BadRequest when its template has no place for them."""
    if not request.calls_tools:
        return []
    if "tools" not in template.variables:
        raise BadRequest(
            "The served model cannot call tools: its chat template has no place for them. Leave tools out.",
            "当前模型不支持工具调用，请去掉 tools。",
            param="tools",
            code="unsupported_parameter",
        )
    return [tool.model_dump(exclude_none=True, exclude={"function": {"strict"}}) for tool in request.tools or ()]


def variables(request: ChatRequest, template: ChatTemplate) -> dict[str, Any]:
    """What the request gives the chat template beside the messages. Raises BadRequest for a name that the template
    does not know."""
    given = dict(request.chat_template_kwargs or {})
    for name in ("enable_thinking", "reasoning_effort"):
        if (value := getattr(request, name)) is not None:
            given[name] = value
    known = sorted(template.variables - {"tools"})
    for name in given:
        if name not in known:
            there = f"it has {', '.join(known)}" if known else "it has none"
            raise BadRequest(
                f"The model's chat template has no variable {name[:100]!r}; {there}.",
                f"模型的对话模板没有变量 {name[:100]}。",
                param="chat_template_kwargs" if name in (request.chat_template_kwargs or ()) else name,
                code="unsupported_parameter",
            )
    return given


def picture(url: str, param: str) -> bytes:
    """The bytes of a picture's data: URI. Raises BadRequest."""
    return from_data_uri(url, param, PICTURE)


def from_data_uri(url: str, param: str, kind: Kind) -> bytes:
    """The bytes of a picture's or video's data: URI. Raises BadRequest."""
    header = DATA_URI.match(url[:256])
    if header is None:
        raise BadRequest(
            f"The {kind.english}'s URL must be an http(s) URL or a data: URI with base64 content, such as "
            f"data:{kind.type}/…;base64,….",
            f"{kind.chinese}地址必须是 http(s) 地址或 base64 编码的 data: URI。",
            param=param,
            code=f"invalid_{kind.type}_url",
        )
    if header["kind"].lower() != kind.type:
        raise BadRequest(
            f"The data: URI is not of a type {kind.type}/*.",
            f"data: URI 的类型不是 {kind.type}/*。",
            param=param,
            code=f"invalid_{kind.type}_url",
        )
    try:
        return decoded(url[header.end() :])
    except ValueError:
        raise BadRequest(
            "The data: URI's content is not valid base64.",
            "data: URI 的内容不是有效的 base64 编码。",
            param=param,
            code="invalid_base64",
        ) from None


def decoded(text: str) -> bytes:
    """The bytes of base64, which many programs write in lines. Raises ValueError."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return base64.b64decode("".join(text.split()), validate=True)
