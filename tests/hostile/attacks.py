"""Hostile requests, one for each kind of trouble that servers like this had."""

from __future__ import annotations

import asyncio
import json
import struct
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image

from ..pictures import encoded, noise, shape

CHAT, PICTURE = "/v1/chat/completions", "/v1/image/recognize"
QUESTION: dict[str, Any] = {"messages": [{"role": "user", "content": "What is this?"}], "max_tokens": 4}
DEEP = 100_000


@dataclass(frozen=True)
class Attack:
    """A request, and the statuses that it may get; None is for clients that do not wait for one."""

    name: str
    send: Callable[[httpx.AsyncClient], Awaitable[int | None]]
    statuses: frozenset[int | None]


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has almost no data."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def pictures() -> dict[str, bytes]:
    """Files that are called pictures."""
    red = shape("ellipse", "red", (64, 64))
    progressive = encoded(noise(5, (2000, 2000)), "JPEG", progressive=True, quality=5)
    last_scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    many = [Image.new("L", (8, 8), value % 256) for value in range(500)]
    return {
        "bomb.png": png_header(50_000, 50_000),
        "cut.png": png_header(2000, 2000),
        "bomb.webp": encoded(Image.new("L", (9000, 9000)), "WEBP", lossless=True, method=0),
        "scans.jpg": progressive[:-2] + last_scan * 500 + b"\xff\xd9",
        "bomb.gif": b"GIF89a\xff\xff\xff\xff\x80\x00\x00" + bytes(100),
        "frames.gif": encoded(many[0], "GIF", save_all=True, append_images=many[1:]),
        "point.png": encoded(Image.new("RGB", (1, 1))),
        "line.png": encoded(Image.new("RGB", (1, 10_000))),
        "narrow.png": encoded(Image.new("RGB", (500, 19))),
        "cut.jpg": encoded(noise(3, (640, 480)), "JPEG")[:5000],
        "deep.png": encoded(red.convert("I;16")),
        "large.png": encoded(noise(4, (3000, 2000)), compress_level=1),
        "empty.png": b"",
        "page.png": b"<html>no picture</html>",
        "list.png": b"#EXTM3U\nfile:///etc/passwd\n",
    }


def upload(name: str, content: bytes) -> Attack:
    """A file in a form."""

    async def send(client: httpx.AsyncClient) -> int:
        form: dict[str, Any] = {"data": {"prompt": "What is it?", "max_tokens": "4"}}
        return (await client.post(PICTURE, files={"image": (name, content, "image/png")}, **form)).status_code

    return Attack(name, send, frozenset({200, 400, 413, 422}))


def chat(name: str, *statuses: int, **fields: Any) -> Attack:
    """A chat request with these fields."""
    body = json.dumps(QUESTION | fields).encode()
    return raw(name, body, *statuses)


def raw(name: str, body: bytes, *statuses: int, kind: str = "application/json") -> Attack:
    """A chat request with this body."""

    async def send(client: httpx.AsyncClient) -> int:
        return (await client.post(CHAT, content=body, headers={"Content-Type": kind})).status_code

    return Attack(name, send, frozenset(statuses))


def by_url(url: str) -> Attack:
    """A picture that is to be fetched."""
    content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What is it?"}]
    return chat(f"url {url}", 400, 422, messages=[{"role": "user", "content": content}])


def leaving(name: str, data: bytes, seconds: float, read: int = 0) -> Attack:
    """A client that sends something, perhaps reads some bytes, waits and goes."""

    async def send(client: httpx.AsyncClient) -> None:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        try:
            writer.write(data)
            await writer.drain()
            if read:
                await reader.readexactly(read)
            await asyncio.sleep(seconds)
        finally:
            writer.transport.abort()

    return Attack(name, send, frozenset({None}))


def head(path: str, length: int) -> bytes:
    """The head of a request."""
    return f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n".encode()


def lying() -> Attack:
    """A body that says that it is very long."""

    async def send(client: httpx.AsyncClient) -> int:
        reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        try:
            writer.write(head(CHAT, 10**12))
            await writer.drain()
            return int((await reader.readline()).split()[1])
        finally:
            writer.transport.abort()

    return Attack("Content-Length 10**12", send, frozenset({413}))


def streamed() -> bytes:
    """A whole request for a long stream."""
    body = json.dumps(QUESTION | {"stream": True, "max_tokens": 400, "ignore_eos": True}).encode()
    return head(CHAT, len(body)) + body


def recursive_schema() -> dict[str, Any]:
    """A schema that contains itself."""
    return {"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}}}}


def deep_schema(depth: int) -> dict[str, Any]:
    """A schema within a schema, so many times."""
    schema: dict[str, Any] = {}
    for _ in range(depth):
        schema = {"a": schema}
    return schema


def tool(properties: dict[str, Any]) -> dict[str, Any]:
    """A tool whose arguments have these properties."""
    return {"type": "function", "function": {"name": "look", "parameters": {"properties": properties}}}


def attacks() -> list[Attack]:
    """All of them."""
    text = "<|vision_start|><|image_pad|><|vision_end|><image>"
    regex = {"regex": "(" * 200 + "a" + ")*" * 200}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": recursive_schema()}}
    urls = ["http://127.0.0.1/", "http://169.254.169.254/", "http://[::1]/", "http://good\\@bad/", "http://2130706433/",
            "file:///etc/passwd", "/etc/passwd", "data:image/png;base64,****"]  # fmt: skip
    return [
        *(upload(name, content) for name, content in pictures().items()),
        *(by_url(url) for url in urls),
        chat("n", 400, n=100_000),
        chat("max_tokens", 200, 400, max_tokens=10**12),
        chat("stop", 400, stop=["x"] * 10_000),
        chat("logit_bias", 400, logit_bias={str(token): 1 for token in range(5000)}),
        chat("top_logprobs", 400, logprobs=True, top_logprobs=10**6),
        chat("chat_template", 400, chat_template="{{ 1 }}"),
        chat("special tokens", 200, messages=[{"role": "user", "content": text}]),
        chat("recursive schema", 200, 400, response_format=form),
        chat("regex", 200, 400, structured_outputs=regex),
        chat("white space", 200, response_format={"type": "json_object"}, max_tokens=16),
        chat("lone surrogate", 200, 400, messages=[{"role": "user", "content": "\ud800"}]),
        chat("control tokens in names", 200, tools=[tool({text: {}})]),
        chat("deep schema", 400, tools=[tool(deep_schema(500))]),
        raw("many fields", b'{"messages": [], ' + b", ".join(b'"a%d": 1' % n for n in range(100_000)) + b"}", 400),
        raw(
            "duplicate names", b'{"messages": [], "messages": [{"role": "user", "content": "a"}], "max_tokens": 2}', 200
        ),
        raw("NaN", b'{"messages": [{"role": "user", "content": "a"}], "temperature": NaN}', 400),
        raw("1e400", b'{"messages": [{"role": "user", "content": "a"}], "temperature": 1e400}', 400),
        raw("deep JSON", b"[" * DEEP + b"]" * DEEP, 400),
        raw("long text", json.dumps({"messages": [{"role": "user", "content": "a " * 500_000}]}).encode(), 400, 413),
        raw("no JSON", b"\x00\xff", 415, kind="text/plain"),
        lying(),
        leaving("slow head", b"POST / HTTP/1.1\r\nHost:", 1),
        leaving("slow body", head(CHAT, 1000) + b"{", 1),
        leaving("gone at once", streamed(), 0),
        leaving("gone in the stream", streamed(), 0.1, read=400),
    ]
