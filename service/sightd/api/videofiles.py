"""The encoded videos of a conversation: sent with it, fetched, or files of the server; within the limits."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence

from ..errors import BadRequest, Unprocessable
from ..media.fetch.fetcher import ByteBudget, RemotePicture
from ..media.kinds import VIDEO
from ..media.localfiles import open_local
from ..models.videoplan import VideoPlan
from .conversation import Conversation, LocalFile, Video
from .files import check_size, remote
from .record import RequestRecord
from .services import Services


def check_videos(services: Services, videos: Sequence[Video]) -> None:
    """Refuse what can be refused before anything is fetched or decoded. Raises SightdError."""
    if not videos:
        return
    taken_plan(services)
    limits = services.limits
    if len(videos) > limits.videos:
        raise Unprocessable(
            f"The request has {len(videos)} videos; at most {limits.videos} are allowed.",
            f"请求包含 {len(videos)} 个视频，最多允许 {limits.videos} 个。",
            code="too_many_videos",
        )
    for video in videos:
        if isinstance(video, bytes):
            check_size(video, limits.video_bytes, VIDEO)
    services.video_fetcher.check(remote(videos))


def taken_plan(services: Services) -> VideoPlan:
    """How videos are sampled and resized here. Raises BadRequest where none are taken."""
    plan = services.video_plan
    if plan is None:
        raise BadRequest(
            f"The model {services.names.primary} takes no videos here; /capabilities says what it takes. Send pictures "
            "instead.",
            f"模型 {services.names.primary} 在此不支持视频，请改为发送图片。",
            code="unsupported_modality",
        )
    return plan


async def gathered_videos(services: Services, record: RequestRecord, videos: Sequence[Video]) -> list[bytes]:
    """The videos' files, in order. Raises SightdError for those that cannot be had."""
    limits = services.limits
    wanted = remote(videos)
    began = time.monotonic()
    budget = ByteBudget(limits.videos * limits.video_bytes, kind=VIDEO)
    fetched = iter(await services.video_fetcher.fetch(wanted, budget) if wanted else ())
    if wanted:
        record.passed("fetch_media", time.monotonic() - began)
    files = []
    for video in videos:
        if isinstance(video, LocalFile):
            files.append(await asyncio.to_thread(read_local, services, video.path))
        else:
            files.append(next(fetched) if isinstance(video, RemotePicture) else video)
    for data in files:
        check_size(data, limits.video_bytes, VIDEO)
    return files


def read_local(services: Services, path: str) -> bytes:
    """A file of the server. Raises BadRequest for what must not be read, TooLarge."""
    descriptor = open_local(path, services.settings.media.allowed_paths, services.limits.video_bytes)
    with os.fdopen(descriptor, "rb") as file:
        # It may grow meanwhile.
        return file.read(services.limits.video_bytes + 1)


def video_plan(services: Services, conversation: Conversation) -> VideoPlan:
    """How the conversation's videos are prepared. Raises BadRequest for options that the model does not have or the
    operator does not allow."""
    try:
        return taken_plan(services).wished(conversation.seen.of_videos)
    except ValueError as error:
        raise BadRequest(f"{error}.", f"{error}。", param="mm_processor_kwargs", code="invalid_value") from error
