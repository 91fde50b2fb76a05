"""Several streams as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def merged(sources: Sequence[AsyncGenerator[T, None]]) -> AsyncGenerator[tuple[int, T], None]:
    """The items of all sources as they come, each with its source's number. An error of one ends all; so does leaving
    the iteration early."""
    items: asyncio.Queue[tuple[int, T] | BaseException | None] = asyncio.Queue()

    async def read(number: int, source: AsyncGenerator[T, None]) -> None:
        try:
            async with aclosing(source):
                async for item in source:
                    items.put_nowait((number, item))
            items.put_nowait(None)
        except Exception as error:  # noqa: BLE001 - handed on to the reader
            items.put_nowait(error)

    readers = [asyncio.create_task(read(number, source)) for number, source in enumerate(sources)]
    left = len(readers)
    try:
        while left:
            item = await items.get()
            if isinstance(item, BaseException):
                raise item
            if item is None:
                left -= 1
            else:
                yield item
    finally:
        for reader in readers:
            reader.cancel()
        await asyncio.wait(readers)
