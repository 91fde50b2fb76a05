"""POST /tokenize and POST /detokenize, in the form of vLLM's server."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field, model_validator
from starlette.responses import Response

from ..errors import BadRequest, ClientGone
from .answering import prompt_of
from .chat.content import Message, Strict
from .chat.parsing import conversation
from .chat.schema import ChatRequest
from .connection import time_limit, while_connected
from .failures import gone
from .models import max_model_len, served_name
from .record import record_of
from .services import Served

router = APIRouter(tags=["tokens"])

MOST_TOKENS = 1_000_000


class TokenizeRequest(Strict):
    """A text, or messages as a chat request has them."""

    model: str | None = None
    prompt: str | None = None
    messages: Annotated[list[Message] | None, Field(min_length=1, max_length=1000)] = None
    add_generation_prompt: bool = True
    return_token_strs: bool = False

    @model_validator(mode="after")
    def _one(self) -> TokenizeRequest:
        if (self.prompt is None) == (self.messages is None):
            raise ValueError("give either prompt or messages")
        return self


class Tokenized(Strict):
    """The tokens, and how many the model takes at most."""

    count: int
    max_model_len: int | None
    tokens: list[int]
    token_strs: list[str] | None = None


class DetokenizeRequest(Strict):
    """Tokens to turn into text."""

    model: str | None = None
    tokens: Annotated[list[int], Field(max_length=MOST_TOKENS)]


class Detokenized(Strict):
    """The text, control tokens spelled out."""

    prompt: str


@router.post("/tokenize", response_model=Tokenized)
async def tokenize(body: TokenizeRequest, request: Request, services: Served) -> Response | Tokenized:
    """The tokens of a text, in which nothing is control, or of a conversation with its pictures."""
    served_name(services, body.model)
    tokenizer = services.prompts.tokenizer
    if body.messages is None:
        ids = tokenizer.encode_plain(body.prompt or "")
    else:
        chat = ChatRequest(messages=body.messages, add_generation_prompt=body.add_generation_prompt)
        work = prompt_of(services, record_of(request), conversation(chat, services.prompts.template))
        try:
            prompt = await while_connected(request, work, time_limit(request, services.settings.server.request_seconds))
        except ClientGone:
            return gone(request)
        ids = prompt.token_ids
    shown = [tokenizer.decode([i], skip_special=False) for i in ids] if body.return_token_strs else None
    return Tokenized(count=len(ids), max_model_len=max_model_len(services), tokens=ids, token_strs=shown)


@router.post("/detokenize")
async def detokenize(body: DetokenizeRequest, services: Served) -> Detokenized:
    """The text of tokens."""
    served_name(services, body.model)
    tokenizer = services.prompts.tokenizer
    unknown = next((token for token in body.tokens if not 0 <= token < len(tokenizer)), None)
    if unknown is not None:
        raise BadRequest(
            f"The model has no token {unknown}; its tokens are 0 to {len(tokenizer) - 1}.",
            f"模型没有编号为 {unknown} 的 token。",
            param="tokens",
            code="invalid_value",
        )
    return Detokenized(prompt=tokenizer.decode(body.tokens, skip_special=False))
