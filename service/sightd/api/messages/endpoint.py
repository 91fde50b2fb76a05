"""POST /v1/messages and /v1/messages/count_tokens."""

from __future__ import annotations

from contextlib import AsyncExitStack

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response

from ...errors import ClientGone
from ..answering import answering, prompt_of, whole
from ..chat import parsing
from ..chat.wishes import wishes
from ..connection import EventStream, time_limit, while_connected
from ..failures import gone
from ..models import served_name
from ..record import record_of
from ..services import Served
from . import responses
from .parsing import as_chat
from .schema import CountRequest, MessagesRequest

router = APIRouter(tags=["messages"])


class Count(BaseModel):
    """Tokens of a prompt, pictures included."""

    input_tokens: int


@router.post("/v1/messages", response_model=responses.Message)
async def messages(body: MessagesRequest, request: Request, services: Served) -> Response | responses.Message:
    """Answer a conversation with pictures, at once or as a stream of events."""
    model = served_name(services, body.model)
    seconds = time_limit(request, services.settings.server.request_seconds)
    chat, prompts = as_chat(body), services.prompts
    conversation, wanted = parsing.conversation(chat, prompts.template), wishes(chat, prompts.tokenizer)
    async with AsyncExitStack() as held:
        opening = held.enter_async_context(answering(services, record_of(request), conversation, wanted))
        try:
            answers = await while_connected(request, opening, seconds)
            if body.stream:
                events = responses.events(chat, answers[0], model)
                return EventStream(request, events, held.pop_all(), seconds, responses.error_event)
            (piece,) = await while_connected(request, whole(answers), seconds)
        except ClientGone:
            return gone(request)
        return responses.message(chat, answers[0], piece, model)


@router.post("/v1/messages/count_tokens", response_model=Count)
async def count_tokens(body: CountRequest, request: Request, services: Served) -> Response | Count:
    """How many tokens a prompt would have."""
    served_name(services, body.model)
    work = prompt_of(services, record_of(request), parsing.conversation(as_chat(body), services.prompts.template))
    try:
        prompt = await while_connected(request, work, time_limit(request, services.settings.server.request_seconds))
    except ClientGone:
        return gone(request)
    return Count(input_tokens=len(prompt.token_ids))
