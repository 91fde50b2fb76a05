"""The endpoint."""

from __future__ import annotations

from contextlib import AsyncExitStack

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ...errors import ClientGone
from ..answering import answering, whole
from ..connection import EventStream, time_limit, while_connected
from ..failures import gone
from ..models import served_name
from ..record import record_of
from ..services import Served
from . import parsing, responses
from .chunks import chunks, error_event
from .schema import ChatRequest
from .wishes import wishes

router = APIRouter(tags=["chat"])


@router.post("/v1/chat/completions", response_model=responses.ChatCompletion)
async def chat_completions(body: ChatRequest, request: Request, services: Served) -> Response:
    """Answer a conversation with pictures, at once or as a stream of server-sent events."""
    model = served_name(services, body.model)
    seconds = time_limit(request, services.settings.server.request_seconds)
    prompts = services.prompts
    conversation, wanted = parsing.conversation(body, prompts.template), wishes(body, prompts.tokenizer)
    async with AsyncExitStack() as held:
        opening = held.enter_async_context(answering(services, record_of(request), conversation, wanted))
        try:
            answers = await while_connected(request, opening, seconds)
            if body.stream:
                return EventStream(request, chunks(body, answers, model), held.pop_all(), seconds, error_event)
            pieces = await while_connected(request, whole(answers), seconds)
        except ClientGone:
            return gone(request)
        return JSONResponse(responses.completion(body, answers, pieces, model))
