"""From a chat request to a conversation."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from ...errors import BadRequest
from .. import structured
from ..conversation import Conversation, Wishes
from .schema import (
    ChatRequest,
    ImagePart,
    Message,
    ObjectFormat,
    SchemaFormat,
    StructuredOutputs,
    TextFormat,
)

DATA_URI = re.compile(r"data:(?P<type>[\w.+-]+/[\w.+-]+)?(;[\w=.+-]+)*;base64,", re.ASCII)


def conversation(request: ChatRequest) -> Conversation:
    """The request's messages and pictures. Raises BadRequest for pictures that cannot be had."""
    pictures: list[bytes] = []
    messages = [in_template_form(message, index, pictures) for index, message in enumerate(request.messages)]
    return Conversation(messages, pictures)


def in_template_form(message: Message, index: int, pictures: list[bytes]) -> dict[str, Any]:
    """One message for the chat template; its pictures are added to `pictures`."""
    role = "system" if message.role == "developer" else message.role
    if isinstance(message.content, str):
        return {"role": role, "content": message.content}
    content: list[dict[str, Any]] = []
    for number, part in enumerate(message.content):
        if isinstance(part, ImagePart):
            pictures.append(picture(part.image_url.url, f"messages[{index}].content[{number}].image_url.url"))
            content.append({"type": "image"})
        else:
            content.append({"type": "text", "text": part.text})
    return {"role": role, "content": content}


def picture(url: str, param: str) -> bytes:
    """The bytes of a picture URL."""
    header = DATA_URI.match(url[:256])
    if header is None:
        raise BadRequest(
            "The picture's URL must be a data: URI with base64 content, such as data:image/png;base64,….",
            "图片地址必须是 base64 编码的 data: URI。",
            param=param,
            code="invalid_image_url",
        )
    if not (header["type"] or "").startswith("image/"):
        raise BadRequest(
            "The data: URI is not of an image/* type.",
            "data: URI 的类型不是 image/*。",
            param=param,
            code="invalid_image_url",
        )
    try:
        return base64.b64decode(url[header.end() :], validate=True)
    except (binascii.Error, ValueError):
        raise BadRequest(
            "The data: URI's content is not valid base64.",
            "data: URI 的内容不是有效的 base64 编码。",
            param=param,
            code="invalid_base64",
        ) from None


def grammar(request: ChatRequest) -> str:
    """The grammar that the answer is held to, or "". Raises BadRequest when it does not compile."""
    wanted, form = request.structured_outputs, request.response_format
    if wanted is not None and form is not None and not isinstance(form, TextFormat):
        raise BadRequest(
            "Give response_format or structured_outputs, not both.",
            "response_format 与 structured_outputs 不能同时使用。",
            param="structured_outputs",
        )
    if isinstance(form, SchemaFormat):
        return structured.json_grammar(form.json_schema.schema_, "response_format.json_schema")
    if isinstance(form, ObjectFormat):
        return structured.any_object("response_format")
    return structured_grammar(wanted) if wanted is not None else ""


def structured_grammar(wanted: StructuredOutputs) -> str:
    """The grammar of vLLM's field."""
    param = "structured_outputs"
    if wanted.regex is not None:
        return structured.regex_grammar(wanted.regex, param)
    if wanted.choice is not None:
        return structured.choice_grammar(wanted.choice, param)
    if wanted.grammar is not None:
        return structured.context_free_grammar(wanted.grammar, param)
    if wanted.json_ is None:
        return structured.any_object(param) if wanted.json_object else ""
    return structured.json_grammar(as_schema(wanted.json_, param), param)


def as_schema(given: dict[str, Any] | str, param: str) -> dict[str, Any]:
    """A schema given as an object or as its JSON text. Raises BadRequest."""
    try:
        schema = json.loads(given) if isinstance(given, str) else given
    except ValueError as error:
        raise structured.broken(f"it is not JSON: {error}", param) from error
    if not isinstance(schema, dict):
        raise structured.broken("it is not an object", param)
    return schema


def wishes(request: ChatRequest) -> Wishes:
    """How the request wants to be answered."""
    return Wishes(
        max_tokens=request.max_completion_tokens or request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=None if request.top_k is None else max(0, request.top_k),
        min_p=request.min_p or 0.0,
        seed=request.seed,
        repetition_penalty=1.0 if request.repetition_penalty is None else request.repetition_penalty,
        frequency_penalty=request.frequency_penalty or 0.0,
        presence_penalty=request.presence_penalty or 0.0,
        logit_bias={int(token): bias for token, bias in (request.logit_bias or {}).items()},
        allowed_token_ids=tuple(request.allowed_token_ids or ()),
        bad_words=tuple(request.bad_words or ()),
        min_tokens=request.min_tokens or 0,
        grammar=grammar(request),
        stop=request.stops,
        stop_token_ids=tuple(request.stop_token_ids or ()),
        ignore_eos=bool(request.ignore_eos),
        priority=request.priority or 0,
        cache_salt=request.cache_salt or "",
    )
