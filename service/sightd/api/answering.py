"""From a conversation to its answer: a place, decoded pictures, a prompt, an engine, and text as it comes."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

from jinja2 import TemplateError

from ..engine.client import EngineClient
from ..engine.protocol import FinishReason, Frames, Progress, Sampling, Submission
from ..errors import BadRequest
from ..media.decoded import Decoded
from ..models.families import PicturePlan
from ..models.prompt import Media, Prompt
from .conversation import Conversation, Wishes
from .files import check_pictures, gathered
from .longtexts import beside, check_length
from .merging import merged
from .record import RequestRecord
from .sampling import SEEDS, sampling
from .services import Services
from .textstream import TextStream
from .tokenreport import ReportStream, TokenReport
from .videofiles import check_videos, gathered_videos, video_plan
from .weighing import characters, places

Finish = Literal["stop", "length"]

request_numbers = itertools.count(1)


@dataclass(frozen=True)
class Piece:
    """Some of an answer: text, the tokens since the last piece, reports of those that the text is made of; and when
    this is the last piece, why the answer ended, and by which stop string if it was one."""

    text: str
    finish: Finish | None = None
    tokens: tuple[int, ...] = ()
    reports: tuple[TokenReport, ...] = ()
    stopped_by: str | None = None


@dataclass
class Answer:
    """An answer about to be made: everything that can be refused has been checked. Iterate `pieces` once."""

    services: Services
    record: RequestRecord
    engine: EngineClient
    submission: Submission
    frames: list[Decoded]
    wishes: Wishes

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the prompt, pictures included."""
        return len(self.submission.token_ids)

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """The answer's text as it comes; the last piece has a finish."""
        wishes, tokenizer = self.wishes, self.services.prompts.tokenizer
        stream = TextStream(tokenizer, wishes.stop, wishes.include_stop, wishes.skip_special, wishes.min_tokens)
        reports, tokens = ReportStream(tokenizer), list[int]()
        ends = {*self.submission.sampling.stop_token_ids, *(self.engine.info.eos_token_ids if self.engine.info else ())}
        descriptors = [part.descriptor for frames in self.frames for part in frames.parts]
        last: float | None = None
        async with aclosing(self.engine.generate(self.submission, descriptors)) as steps:
            async for progress in steps:
                last = self.record.note(progress, last)
                shown = self._shown(progress, ends)
                text = stream.feed(shown)
                tokens += progress.tokens
                reports.feed(shown, progress.logprobs)
                finish = "stop" if stream.stopped else as_finish(progress.finish)
                if finish is not None:
                    text += stream.finish()
                if text or finish is not None:
                    yield Piece(text, finish, tuple(tokens), reports.release(text), stream.stopped_by)
                    tokens.clear()
                if finish is not None:
                    self.record.finishes.append(finish)
                    return

    def _shown(self, progress: Progress, ends: set[int]) -> list[int]:
        """The tokens to show: not the one of `ends` that ended the answer, unless it is wanted."""
        if progress.finish == "stop" and not self.wishes.include_stop and progress.tokens[-1] in ends:
            return progress.tokens[:-1]
        return progress.tokens


def as_finish(finish: FinishReason | None) -> Finish | None:
    """The engine's reason as clients are told it."""
    return "length" if finish == "length" else "stop" if finish is not None else None


async def whole(answers: list[Answer]) -> list[Piece]:
    """Each answer as one piece."""
    pieces: list[list[Piece]] = [[] for _ in answers]
    async with aclosing(merged([answer.pieces() for answer in answers])) as items:
        async for number, piece in items:
            pieces[number].append(piece)
    return [joined(parts) for parts in pieces]


def joined(pieces: list[Piece]) -> Piece:
    """A whole answer's pieces as one."""
    return Piece(
        "".join(piece.text for piece in pieces),
        pieces[-1].finish,
        tuple(token for piece in pieces for token in piece.tokens),
        tuple(report for piece in pieces for report in piece.reports),
        pieces[-1].stopped_by,
    )


@asynccontextmanager
async def answering(
    services: Services, record: RequestRecord, conversation: Conversation, wishes: Wishes
) -> AsyncIterator[list[Answer]]:
    """Make everything ready for the answers that are wanted and hold it until the block is left.

    Raises the errors of admission, decoding and prompt building; nothing is held after an error.
    """
    await services.engines.wake()
    async with AsyncExitStack() as held:
        prompt, frames = await prepared(services, record, conversation, wishes, held)
        wanted = sampling(services, wishes, len(prompt.token_ids))
        submissions = [
            Submission(
                id=next(request_numbers),
                token_ids=prompt.token_ids,
                sampling=replace(wanted, seed=(wanted.seed + number) & SEEDS),
                spans=prompt.spans,
                conversation=prompt.conversation,
                media=media_of(frames),
                priority=max(wishes.priority, record.key_priority),
                salt=salt(record, wishes.cache_salt),
            )
            for number in range(wishes.n)
        ]
        engine = await services.engines.wake(submissions[0].prefix)
        record.device, record.model = engine.name, services.names.primary
        yield [Answer(services, record, engine, submission, frames, wishes) for submission in submissions]


async def prepared(
    services: Services, record: RequestRecord, conversation: Conversation, wishes: Wishes, held: AsyncExitStack
) -> tuple[Prompt, list[Decoded]]:
    """Take a place, get and decode the pictures, build the prompt; place and frames are let go of with `held`."""
    check_pictures(services, conversation.pictures)
    check_videos(services, conversation.videos)
    weight = places(conversation, wishes, services.limits)
    record.passed("queue", await held.enter_async_context(services.admission.place(weight)))
    frames = await decoded(record, await decoding(services, record, conversation), held)
    prompt = await beside(services, characters(conversation), built, services, conversation, frames)
    if prompt.conversation:
        prompt = await read(services, record, prompt, frames)
    record.tokens_in = len(prompt.token_ids)
    record.videos = sum(one.is_video for one in frames)
    record.pictures = len(frames) - record.videos
    return prompt, frames


async def read(services: Services, record: RequestRecord, prompt: Prompt, frames: list[Decoded]) -> Prompt:
    """The prompt with the token ids that an engine makes of it. Raises BadRequest when the model's processor does not
    take the conversation."""
    request = Submission(
        next(request_numbers),
        [],
        Sampling(0),
        media=media_of(frames),
        salt=salt(record, ""),
        conversation=prompt.conversation,
    )
    engine = await services.engines.wake(request.prefix)
    descriptors = [part.descriptor for one in frames for part in one.parts]
    async with aclosing(engine.generate(request, descriptors)) as steps:
        ids = [token async for progress in steps for token in progress.tokens]
    return replace(prompt, token_ids=ids)


def media_of(frames: list[Decoded]) -> list[Frames]:
    """The frames as the engine is told of them."""
    return [Frames(p.digest, p.frames, p.height, p.width) for f in frames for p in f.parts]


def salt(record: RequestRecord, own: str) -> bytes:
    """What is cached is shared within this."""
    return f"{record.key or ''}\n{own}".encode("utf-8", "surrogatepass")


async def text_of(services: Services, record: RequestRecord, conversation: Conversation, wishes: Wishes) -> str:
    """The text of one whole answer. Raises as `answering` does."""
    async with answering(services, record, conversation, wishes) as answers:
        return (await whole(answers))[0].text


async def prompt_of(services: Services, record: RequestRecord, conversation: Conversation) -> Prompt:
    """The prompt of a conversation that is not answered. Raises as `answering` does."""
    async with AsyncExitStack() as held:
        return (await prepared(services, record, conversation, Wishes(max_tokens=1), held))[0]


async def decoding(
    services: Services, record: RequestRecord, conversation: Conversation
) -> list[Coroutine[Any, Any, Decoded]]:
    """The work of decoding the conversation's pictures and videos, in the order in which they appear in it. Raises
    SightdError for what cannot be had or is not to be prepared as wished."""
    pictures, videos = conversation.pictures, conversation.videos
    seen = picture_plan(services, conversation) if pictures or not videos else None
    watched = video_plan(services, conversation) if videos else None
    files = iter(await gathered(services, record, pictures))
    clips = iter(await gathered_videos(services, record, videos))
    work: list[Coroutine[Any, Any, Decoded]] = []
    for kind in conversation.appearing:
        if kind == "image" and seen is not None:
            work.append(services.decoders.decode(next(files), seen))
        elif watched is not None:
            work.append(services.videos.decode(next(clips), watched))
    return work


async def decoded(
    record: RequestRecord, work: Sequence[Coroutine[Any, Any, Decoded]], held: AsyncExitStack
) -> list[Decoded]:
    """The pictures and videos as frames, let go of when `held` is left."""
    began = time.monotonic()
    results = await asyncio.gather(*work, return_exceptions=True)
    for frames in results:
        if isinstance(frames, Decoded):
            held.callback(frames.close)
    for frames in results:
        if isinstance(frames, BaseException):
            raise frames
    if work:
        record.passed("decode_media", time.monotonic() - began)
    return [frames for frames in results if isinstance(frames, Decoded)]


def picture_plan(services: Services, conversation: Conversation) -> PicturePlan:
    """How the conversation's pictures are prepared. Raises BadRequest for options that the model does not have."""
    own, wanted = services.prompts.picture_plan, conversation.seen
    try:
        return own.bounded(wanted.min_pixels, wanted.max_pixels).sliced(wanted.max_slice_nums, wanted.use_image_id)
    except ValueError as error:
        raise BadRequest(f"{error}.", f"{error}。", param="mm_processor_kwargs", code="invalid_value") from error


def as_seen(frames: Decoded) -> Media:
    """A decoded picture or video for the prompt builder."""
    whole = frames.parts[0]
    kind: Literal["image", "video"] = "video" if frames.is_video else "image"
    return Media(kind, whole.height, whole.width, whole.frames, frames.times, frames.period, frames.grid)


def built(services: Services, conversation: Conversation, frames: list[Decoded]) -> Prompt:
    """The prompt. Raises BadRequest when it is too long or the model's template does not take the conversation."""
    media = [as_seen(one) for one in frames]
    numbered = conversation.seen.use_image_id
    variables = conversation.variables | ({} if numbered is None else {"use_image_id": numbered})
    try:
        check_length(services, conversation)
        return services.prompts.build(
            conversation.messages,
            media,
            conversation.tools or None,
            continued=conversation.continued,
            **variables,
        )
    except (TemplateError, ValueError, TypeError) as error:
        raise BadRequest(
            f"The model's chat template does not take this conversation: {str(error).rstrip('.')}.",
            "模型的对话模板不支持该对话结构。",
            param="messages",
        ) from error
