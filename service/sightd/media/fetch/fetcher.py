"""Fetching pictures and videos: by hand what HTTP clients do by themselves, because every hop must be checked."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import httpx

from ... import logs, version
from ...config.media import Media
from ...errors import SightdError
from ..kinds import PICTURE, Kind
from . import refusals, urls
from .policy import Policy

CONNECTIONS = 100
CONNECT_SECONDS = 5.0
"""Longest time one address may take to accept a connection before the host's next one is tried."""
MOST_ADDRESSES = 4
REDIRECTS = (301, 302, 303, 307, 308)

log = logs.get(__name__)

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host and port, best first. Raises OSError when there are none."""


@dataclass(frozen=True)
class RemotePicture:
    """A picture or video to be fetched; `param` is the field of the request that its URL stands in."""

    url: str
    param: str


class ByteBudget:
    """How many bytes the pictures (or what else they are) of one request may still have together. `limit` is for the
    sentence."""

    def __init__(self, limit: int, used: int = 0, kind: Kind = PICTURE) -> None:
        self._kind = kind
        self._limit = limit
        self._left = limit - used

    def take(self, count: int) -> None:
        """Count bytes that arrived. Raises TooLarge when they are too many."""
        self._left -= count
        if self._left < 0:
            raise refusals.too_large_together(self._limit, self._kind)


async def system_resolver(host: str, port: int) -> list[str]:
    """What the system's resolver says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Fetcher:
    """Fetches media of one kind as far as the configuration allows it. `max_bytes` is the most that one may have."""

    def __init__(
        self, media: Media, max_bytes: int, resolver: Resolver = system_resolver, kind: Kind = PICTURE
    ) -> None:
        self._kind = kind
        self._media = media
        self._policy = Policy(media)
        self.max_bytes = max_bytes
        self._resolver = resolver
        # Below httpx's client, which would keep cookies between requests. No connection is used twice: the pool tells
        # them apart by address, and two names may share one.
        self._transport = httpx.AsyncHTTPTransport(
            verify=ssl.create_default_context(),
            trust_env=False,
            limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=0),
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._transport.aclose()

    def check(self, pictures: Sequence[RemotePicture]) -> None:
        """Refuse what can be refused without a look at the network. Raises BadRequest with the picture's `param`."""
        for picture in pictures:
            try:
                self._parsed(picture.url)
            except SightdError as error:
                error.param = picture.param
                raise

    def _parsed(self, text: str) -> httpx.URL:
        if self._media.fetch == "off":
            raise refusals.fetching_is_off(self._kind)
        return urls.parse(text, self._kind)

    async def fetch(self, pictures: Sequence[RemotePicture], budget: ByteBudget) -> list[bytes]:
        """The pictures' files, in order. Raises SightdError with the `param` of the first one that cannot be had."""
        tasks = [asyncio.ensure_future(self._named(picture, budget)) for picture in pictures]
        try:
            async with asyncio.timeout(self._media.fetch_seconds):
                return await asyncio.gather(*tasks)
        except TimeoutError:
            raise refusals.too_slow(self._media.fetch_seconds, self._kind) from None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _named(self, picture: RemotePicture, budget: ByteBudget) -> bytes:
        try:
            return await self._one(picture.url, budget)
        except SightdError as error:
            error.param = picture.param
            raise

    async def _one(self, text: str, budget: ByteBudget) -> bytes:
        url = self._parsed(text)
        for _ in range(self._media.fetch_redirects + 1):
            response = await self._get(url)
            try:
                if response.status_code not in REDIRECTS:
                    return await self._body(response, budget)
                url = urls.joined(url, response.headers.get("location", ""), self._kind)
            except (httpx.HTTPError, httpx.StreamError):
                raise refusals.failed("the connection broke off", "连接中断", self._kind) from None
            finally:
                await response.aclose()
        most = self._media.fetch_redirects
        raise refusals.failed(f"it is redirected more than {most} times", f"重定向超过了 {most} 次", self._kind)

    async def _get(self, url: httpx.URL) -> httpx.Response:
        """The response's head from the first of the host's addresses that answers."""
        for address in await self._addresses(url):
            try:
                return await self._transport.handle_async_request(request(url, address, self._kind))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
            except httpx.HTTPError:
                raise refusals.failed(
                    "its server's answer is not valid HTTP", "对方服务器的响应无效", self._kind
                ) from None
        raise refusals.failed(
            "its server cannot be reached, or has no valid certificate", "无法连接对方服务器，或其证书无效", self._kind
        )

    async def _addresses(self, url: httpx.URL) -> Sequence[str]:
        """The addresses that may be dialled for this hop. Raises BadRequest unless every one of the host's may be."""
        host = urls.host(url)
        try:
            literal = urls.literal(url)
            port = url.port or (443 if url.scheme == "https" else 80)
            addresses = [literal] if literal else await self._resolver(host, port)
        except (OSError, UnicodeError):
            addresses = []
        if not addresses or not all(self._policy.allows(host, address) for address in addresses):
            # The operator is told what the client is not.
            log.info("a host may not be fetched from", host=host, addresses=list(addresses))
            raise refusals.forbidden(self._kind)
        return addresses[:MOST_ADDRESSES]

    async def _body(self, response: httpx.Response, budget: ByteBudget) -> bytes:
        """The response's content, counted as it comes."""
        if response.status_code != 200:
            status = response.status_code
            raise refusals.failed(
                f"its server answered with status {status}", f"对方服务器返回了状态码 {status}", self._kind
            )
        if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise refusals.failed("its server sent it compressed, unasked", "对方服务器擅自压缩了内容", self._kind)
        declared = response.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared[:20]) > self.max_bytes:
            raise refusals.too_large(self.max_bytes, self._kind)
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > self.max_bytes:
                raise refusals.too_large(self.max_bytes, self._kind)
            budget.take(len(chunk))
        return bytes(content)


def request(url: httpx.URL, address: str, kind: Kind) -> httpx.Request:
    """A request to `address` for the URL; its Host header and its TLS name are the URL's host."""
    return httpx.Request(
        "GET",
        url.copy_with(host=address),
        headers={
            "Host": url.netloc.decode("ascii"),
            "Accept": f"{kind.type}/*",
            "Accept-Encoding": "identity",
            "Connection": "close",
            "User-Agent": f"sightd/{version.VERSION}",
        },
        extensions={"sni_hostname": urls.host(url), "timeout": {"connect": CONNECT_SECONDS}},
    )
