"""From a conversation to its answer: a place, decoded pictures, a prompt, an engine, and text as it comes."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Literal

from jinja2 import TemplateError

from ..engine.client import EngineClient
from ..engine.protocol import Frames, Submission
from ..errors import BadRequest
from ..media.pool import Decoded
from ..models.prompt import Media, Prompt
from .conversation import Conversation, Wishes, check_pictures
from .record import RequestRecord
from .sampling import sampling
from .services import Services
from .textstream import TextStream

Finish = Literal["stop", "length"]

request_numbers = itertools.count(1)


@dataclass(frozen=True)
class Piece:
    """Some of an answer: text, and why it ended when this is the last piece."""

    text: str
    finish: Finish | None = None


@dataclass
class Answer:
    """An answer about to be made: everything that can be refused has been checked. Iterate `pieces` once."""

    services: Services
    record: RequestRecord
    engine: EngineClient
    submission: Submission
    frames: list[Decoded]
    stop: tuple[str, ...]

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompt, pictures included."""
        return len(self.submission.token_ids)

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """The answer's text as it comes; the last piece has a finish."""
        stream = TextStream(self.services.prompts.tokenizer, self.stop)
        descriptors = [frames.descriptor for frames in self.frames]
        first: float | None = None
        async with aclosing(self.engine.generate(self.submission, descriptors)) as tokens:
            async for progress in tokens:
                if first is None:
                    first = time.monotonic()
                    self.record.prefill_seconds = progress.prefill
                    self.record.queue_seconds = (self.record.queue_seconds or 0) + (progress.queued or 0)
                self.record.tokens_out += len(progress.tokens)
                self.record.decode_seconds = time.monotonic() - first
                text = stream.feed(progress.tokens)
                if progress.finish is None and not stream.stopped:
                    if text:
                        yield Piece(text)
                    continue
                text += stream.finish()
                yield Piece(text, "length" if progress.finish == "length" and not stream.stopped else "stop")
                return

    async def whole(self) -> Piece:
        """The whole answer at once."""
        pieces = [piece async for piece in self.pieces()]
        return Piece("".join(piece.text for piece in pieces), pieces[-1].finish)


@asynccontextmanager
async def answering(
    services: Services, record: RequestRecord, conversation: Conversation, wishes: Wishes
) -> AsyncIterator[Answer]:
    """Make everything ready for an answer and hold it until the block is left.

    Raises the errors of admission, decoding and prompt building; nothing is held after an error.
    """
    check_pictures(conversation.pictures, services.settings.limits)
    await services.engines.wake()
    async with AsyncExitStack() as held:
        record.queue_seconds = await held.enter_async_context(services.admission.place())
        frames = await decoded(services, record, conversation, held)
        prompt = built(services, conversation, frames)
        record.tokens_in, record.pictures = len(prompt.token_ids), len(frames)
        submission = Submission(
            id=next(request_numbers),
            token_ids=prompt.token_ids,
            sampling=sampling(services, wishes, len(prompt.token_ids)),
            spans=prompt.spans,
            media=[Frames(f.digest, f.frames, f.height, f.width) for f in frames],
            priority=wishes.priority,
            salt=wishes.cache_salt.encode("utf-8", "surrogatepass"),
        )
        engine = await services.engines.wake(submission.prefix)
        record.device = engine.device
        yield Answer(services, record, engine, submission, frames, wishes.stop)


async def decoded(
    services: Services, record: RequestRecord, conversation: Conversation, held: AsyncExitStack
) -> list[Decoded]:
    """The conversation's pictures as frames, let go of when `held` is left."""
    began = time.monotonic()
    work = [services.decoders.decode(data, services.prompts.picture_plan) for data in conversation.pictures]
    results = await asyncio.gather(*work, return_exceptions=True)
    for frames in results:
        if isinstance(frames, Decoded):
            held.callback(frames.close)
    for frames in results:
        if isinstance(frames, BaseException):
            raise frames
    if work:
        record.decode_media_seconds = time.monotonic() - began
    return [frames for frames in results if isinstance(frames, Decoded)]


def built(services: Services, conversation: Conversation, frames: list[Decoded]) -> Prompt:
    """The prompt. Raises BadRequest when the model's template does not take the conversation."""
    media = [Media("image", f.height, f.width) for f in frames]
    try:
        return services.prompts.build(conversation.messages, media)
    except (TemplateError, ValueError) as error:
        raise BadRequest(
            f"The model's chat template does not take this conversation: {error}",
            "模型的对话模板不支持该对话结构。",
            param="messages",
        ) from error
