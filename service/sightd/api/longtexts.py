"""Long texts: what reads them runs beside the event loop, and those that cannot fit are not read to their end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from ..models.tokenizer import LONG
from .conversation import Conversation
from .sampling import context_length, too_long
from .services import Services
from .weighing import texts

P = ParamSpec("P")
T = TypeVar("T")


async def beside(
    services: Services, characters: int, work: Callable[P, T], *arguments: P.args, **options: P.kwargs
) -> T:
    """What `work` gives, which reads so many characters; long ones one after another, on one core."""
    if characters < LONG:
        return work(*arguments, **options)
    job = partial(work, *arguments, **options)
    return await asyncio.get_running_loop().run_in_executor(services.reader, job)


def check_length(services: Services, conversation: Conversation) -> None:
    """Raise BadRequest when the texts alone are surely longer than the context."""
    longest = context_length(services)
    text = "".join(texts([conversation.messages, conversation.tools]))
    if services.prompts.tokenizer.surely_more_than(longest, text):
        raise too_long(f"more than {longest} tokens", f"超过 {longest} 个 token", longest)
