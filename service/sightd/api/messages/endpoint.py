"""POST /v1/messages and /v1/messages/count_tokens."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from ..answering import Answer, whole
from ..chat import parsing
from ..chat.wishes import wishes
from ..errordocs import STREAMED
from ..models import served_name
from ..services import Served
from ..serving import Streaming, answered, counted
from . import responses
from .parsing import as_chat
from .schema import CountRequest, MessagesRequest

router = APIRouter(tags=["messages"])


class Count(BaseModel):
    """Tokens of a prompt, pictures included."""

    input_tokens: int


@router.post("/v1/messages", response_model=responses.Message, responses=STREAMED)
async def messages(body: MessagesRequest, request: Request, services: Served) -> Response | responses.Message:
    """Answer a conversation with pictures, at once or as a stream of events."""
    model, prompts = served_name(services, body.model), services.prompts
    chat = as_chat(body)
    conversation, wanted = parsing.conversation(chat, prompts.template), wishes(chat, prompts.tokenizer)

    async def at_once(answers: list[Answer]) -> responses.Message:
        (piece,) = await whole(answers)
        return responses.message(chat, answers[0], piece, model)

    streaming = Streaming(lambda answers: responses.events(chat, answers[0], model), responses.error_event)
    return await answered(request, services, conversation, wanted, at_once, streaming if body.stream else None)


@router.post("/v1/messages/count_tokens", response_model=Count)
async def count_tokens(body: CountRequest, request: Request, services: Served) -> Count:
    """How many tokens a prompt would have."""
    served_name(services, body.model)
    conversation = parsing.conversation(as_chat(body), services.prompts.template)
    return Count(input_tokens=len((await counted(request, services, conversation)).token_ids))
