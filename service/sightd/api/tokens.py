"""POST /tokenize and POST /detokenize, in the form of vLLM's server."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field, model_validator

from ..models.tokenizer import Tokenizer
from .chat.content import Message, Strict
from .chat.parsing import conversation
from .chat.schema import ProcessorOptions, chat_request
from .chat.tools import Tools
from .invalid import problem
from .longtexts import beside
from .models import max_model_len, served_name
from .sampling import check_tokens
from .services import Served
from .serving import counted

router = APIRouter(tags=["tokens"])

MOST_TOKENS = MOST_CHARACTERS = 1_000_000
OF_CHAT = ("add_generation_prompt", "continue_final_message", "tools", "chat_template_kwargs", "mm_processor_kwargs")


class TokenizeRequest(Strict):
    """A text, or messages as a chat request has them."""

    model: str | None = None
    prompt: Annotated[str | None, Field(max_length=MOST_CHARACTERS)] = None
    messages: Annotated[list[Message] | None, Field(min_length=1, max_length=1000)] = None
    add_generation_prompt: bool | None = None
    continue_final_message: bool | None = None
    tools: Tools | None = None
    chat_template_kwargs: dict[str, Any] | None = None
    mm_processor_kwargs: ProcessorOptions | None = None
    return_token_strs: bool = False

    @model_validator(mode="after")
    def _one(self) -> TokenizeRequest:
        if (self.prompt is None) == (self.messages is None):
            raise problem("prompt", "Give either prompt or messages")
        if self.messages is None and (others := self.of_chat):
            raise problem(next(iter(others)), f"{', '.join(others)}: only a conversation has this; give messages")
        return self

    @property
    def of_chat(self) -> dict[str, Any]:
        """The fields that a chat request has, too, without its messages."""
        return {name: value for name in OF_CHAT if (value := getattr(self, name)) is not None}


class Tokenized(Strict):
    """The tokens, and how many the model takes at most."""

    count: int
    max_model_len: int | None
    tokens: list[int]
    token_strs: list[str] | None = None


class DetokenizeRequest(Strict):
    """Tokens to turn into text."""

    model: str | None = None
    tokens: Annotated[list[int], Field(max_length=MOST_TOKENS, fail_fast=True)]


class Detokenized(Strict):
    """The text, control tokens spelled out."""

    prompt: str


@router.post("/tokenize")
async def tokenize(body: TokenizeRequest, request: Request, services: Served) -> Tokenized:
    """The tokens of a text, in which nothing is control, or of a conversation with its pictures."""
    served_name(services, body.model)
    tokenizer = services.prompts.tokenizer
    if body.messages is None:
        text = body.prompt or ""
        ids = await beside(services, len(text), tokenizer.encode_plain, text)
    else:
        chat = chat_request({"messages": body.messages, **body.of_chat})
        ids = (await counted(request, services, conversation(chat, services.prompts.template))).token_ids
    shown = await beside(services, len(ids), spelled, tokenizer, ids) if body.return_token_strs else None
    return Tokenized(count=len(ids), max_model_len=max_model_len(services), tokens=ids, token_strs=shown)


@router.post("/detokenize")
async def detokenize(body: DetokenizeRequest, services: Served) -> Detokenized:
    """The text of tokens."""
    served_name(services, body.model)
    tokenizer = services.prompts.tokenizer
    check_tokens(tokenizer, "tokens", body.tokens)
    return Detokenized(
        prompt=await beside(services, len(body.tokens), tokenizer.decode, body.tokens, skip_special=False)
    )


def spelled(tokenizer: Tokenizer, ids: list[int]) -> list[str]:
    """Each token by itself, control tokens spelled out."""
    return [tokenizer.decode([i], skip_special=False) for i in ids]
