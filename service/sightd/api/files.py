"""The encoded pictures of a conversation: sent with it or fetched, within the limits of one request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from ..config.limits import Limits
from ..errors import BadRequest, TooLarge, Unprocessable
from ..media.fetch.fetcher import ByteBudget, RemotePicture
from ..media.kinds import PICTURE, Kind
from .record import RequestRecord
from .services import Services

Picture = bytes | RemotePicture


def check_pictures(services: Services, pictures: Sequence[Picture]) -> None:
    """Refuse what can be refused before anything is fetched or decoded. Raises SightdError."""
    limits = services.limits
    if len(pictures) > limits.images:
        raise Unprocessable(
            f"The request has {len(pictures)} pictures; at most {limits.images} are allowed.",
            f"请求包含 {len(pictures)} 张图片，最多允许 {limits.images} 张。",
            code="too_many_images",
        )
    check_sizes([picture for picture in pictures if isinstance(picture, bytes)], limits)
    services.fetcher.check(remote(pictures))


def check_sizes(files: Sequence[bytes], limits: Limits) -> None:
    """Refuse empty and too large pictures. Raises BadRequest or TooLarge."""
    for data in files:
        check_size(data, limits.image_bytes, PICTURE)
    if (total := sum(map(len, files))) > limits.request_image_bytes:
        raise TooLarge(
            f"The pictures have {total} bytes together; at most {limits.request_image_bytes} are allowed.",
            f"图片总大小为 {total} 字节，超过了 {limits.request_image_bytes} 字节的限制。",
            code="image_too_large",
        )


def check_size(data: bytes, most: int, kind: Kind) -> None:
    """Refuse an empty or too large file. Raises BadRequest or TooLarge."""
    if not data:
        raise BadRequest(
            f"A {kind.english} is empty (0 bytes).", f"上传的{kind.chinese}是空文件。", code=f"invalid_{kind.type}"
        )
    if len(data) > most:
        raise TooLarge(
            f"A {kind.english} has {len(data)} bytes; at most {most} are allowed.",
            f"{kind.chinese}大小为 {len(data)} 字节，超过了 {most} 字节的限制。",
            code=f"{kind.type}_too_large",
        )


def remote(files: Sequence[object]) -> list[RemotePicture]:
    """Those that are to be fetched."""
    return [file for file in files if isinstance(file, RemotePicture)]


async def gathered(services: Services, record: RequestRecord, pictures: Sequence[Picture]) -> list[bytes]:
    """The pictures' files, in order. Raises SightdError for those that cannot be had or are too much together."""
    given = [picture for picture in pictures if isinstance(picture, bytes)]
    files = given
    if wanted := remote(pictures):
        began = time.monotonic()
        limits = services.limits
        budget = ByteBudget(limits.request_image_bytes, sum(map(len, given)))
        fetched = iter(await services.fetcher.fetch(wanted, budget))
        files = [next(fetched) if isinstance(picture, RemotePicture) else picture for picture in pictures]
        check_sizes(files, limits)
        record.passed("fetch_media", time.monotonic() - began)
    await check_pixels(services, files)
    return files


async def check_pixels(services: Services, files: Sequence[bytes]) -> None:
    """Refuse pictures that have too many pixels together, by their headers. Raises SightdError."""
    limits = services.limits
    if len(files) * limits.image_pixels <= limits.request_image_pixels:
        return
    sizes = await asyncio.gather(*(services.decoders.measure(data) for data in files))
    total = sum(width * height for width, height in sizes)
    if total > limits.request_image_pixels:
        raise Unprocessable(
            f"The pictures have {total} pixels together; at most {limits.request_image_pixels} are allowed.",
            f"图片总像素为 {total}，超过了 {limits.request_image_pixels} 像素的限制。",
            code="image_too_large",
        )
