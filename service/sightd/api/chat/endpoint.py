"""The endpoint."""

from __future__ import annotations

from contextlib import AsyncExitStack

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ...errors import ClientGone, NotFound
from ..answering import answering, whole
from ..connection import EventStream, time_limit, while_connected
from ..failures import gone
from ..record import record_of
from ..services import Served, Services
from . import parsing, responses
from .chunks import chunks, error_event
from .schema import ChatRequest
from .wishes import wishes

router = APIRouter(tags=["chat"])


def served_name(services: Services, wanted: str | None) -> str:
    """The model name to answer with. Raises NotFound, with the names there are, for another model's name."""
    if wanted is None:
        return services.names.primary
    if not services.names.accepts(wanted):
        names = ", ".join(services.names.all)
        raise NotFound(
            f"The model {wanted[:200]!r} is not served here; served: {names}.",
            f"没有模型 {wanted[:200]}，可用模型：{names}。",
            param="model",
            code="model_not_found",
        )
    return wanted


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
