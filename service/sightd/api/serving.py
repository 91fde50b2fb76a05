"""From a conversation to its response: a whole answer, or a stream of events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

from fastapi import Request
from starlette.responses import Response

from ..models.prompt import Prompt
from .answering import Answer, answering, prompt_of
from .connection import ErrorEvent, EventStream, time_limit, while_connected
from .conversation import Conversation, Wishes
from .record import record_of
from .services import Services

T = TypeVar("T")


@dataclass(frozen=True)
class Streaming:
    """How an endpoint writes its stream: the answers' events, and the event of an error after the start."""

    events: Callable[[list[Answer]], AsyncGenerator[bytes, None]]
    on_error: ErrorEvent


async def answered(
    request: Request,
    services: Services,
    conversation: Conversation,
    wishes: Wishes,
    at_once: Callable[[list[Answer]], Coroutine[Any, Any, T]],
    streaming: Streaming | None = None,
) -> Response | T:
    """The stream when there is to be one, else what `at_once` makes of the answers.

    Raises as `answering` does; ClientGone and TimedOut when the client or the time ends first.
    """
    seconds = time_limit(request, services.settings.server.request_seconds)
    async with AsyncExitStack() as held:
        opening = held.enter_async_context(answering(services, record_of(request), conversation, wishes))
        answers = await while_connected(request, opening, seconds)
        if streaming is not None:
            return EventStream(request, streaming.events(answers), held.pop_all(), seconds, streaming.on_error)
        return await while_connected(request, at_once(answers), seconds)


async def counted(request: Request, services: Services, conversation: Conversation) -> Prompt:
    """The prompt of a conversation that is only to be counted. Raises as `answered` does."""
    seconds = time_limit(request, services.settings.server.request_seconds)
    return await while_connected(request, prompt_of(services, record_of(request), conversation), seconds)
