"""A web server on loopback that answers as badly as a test wants it to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

Page = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


def page(content: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    """A whole response; `length` is what it says its content has."""
    declared = len(content) if length is None else length
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {declared}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


def redirect(to: str, status: str = "302 Found") -> bytes:
    """A redirect."""
    return page(b"", f"Location: {to}", status=status)


class Website:
    """Pages by path, and the heads of the requests that came."""

    def __init__(self, pages: dict[str, Page]) -> None:
        self.pages = pages
        self.requests: list[str] = []
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for."""
        return [head.split()[1] for head in self.requests]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection, for one request."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            await self.serve(reader, writer)
        finally:
            self.tasks.discard(task)
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read the request's head and send its page."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            self.requests.append(head)
            found = self.pages.get(head.split()[1], page(b"", status="404 Not Found"))
            if isinstance(found, bytes):
                writer.write(found)
                await writer.drain()
            else:
                await found(writer)


@asynccontextmanager
async def serving(
    pages: dict[str, Page], address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Website]:
    """A website that runs while the block does."""
    site = Website(pages)
    server = await asyncio.start_server(site.answer, address, port, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()
        working = [*site.tasks]
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)
        # Transports close in the loop's next rounds.
        await asyncio.sleep(0.05)


async def endless(writer: asyncio.StreamWriter) -> None:
    """A body without an end, and without a length."""
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(bytes(65536))
        await writer.drain()


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte now and then."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def silence(writer: asyncio.StreamWriter) -> None:
    """Nothing at all."""
    await asyncio.Event().wait()
