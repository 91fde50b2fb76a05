"""The one parser of media URLs: what it makes of a URL is what is checked and what is dialled."""

from __future__ import annotations

import ipaddress
import re

import httpx

from ..kinds import PICTURE, Kind
from .refusals import invalid_url

LONGEST = 8192
SCHEMES = ("http", "https")
UNCLEAR = re.compile(r"[\\\s\x00-\x20\x7f]")
"""What parsers disagree about. A URL that has any of it is not understood but refused."""
NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


def is_remote(url: str) -> bool:
    """Whether a picture or video is to be fetched."""
    return url[:8].lower().startswith(("http://", "https://"))


def parse(text: str, kind: Kind = PICTURE) -> httpx.URL:
    """A medium's URL with its host in small letters or as an address. Raises BadRequest."""
    if len(text) > LONGEST:
        raise invalid_url(
            f"has {len(text)} characters; at most {LONGEST} are allowed", f"超过了 {LONGEST} 个字符", kind
        )
    if UNCLEAR.search(text):
        raise invalid_url(
            "has white space, a control character or a backslash in it", "含有空白、控制字符或反斜杠", kind
        )
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        raise invalid_url("is not valid", "无效", kind) from None
    return checked(url, kind)


def joined(url: httpx.URL, location: str, kind: Kind = PICTURE) -> httpx.URL:
    """Where a redirect leads to from `url`. Raises BadRequest."""
    if UNCLEAR.search(location):
        raise invalid_url("redirects to a URL that is not valid", "重定向到了无效的地址", kind)
    try:
        return parse(str(url.join(location)), kind)
    except (httpx.InvalidURL, ValueError):
        raise invalid_url("redirects to a URL that is not valid", "重定向到了无效的地址", kind) from None


def checked(url: httpx.URL, kind: Kind = PICTURE) -> httpx.URL:
    """The URL, if it is one that may be fetched at all. Raises BadRequest."""
    if url.scheme not in SCHEMES:
        raise invalid_url("must begin with http:// or https://", "必须以 http:// 或 https:// 开头", kind)
    if url.userinfo:
        raise invalid_url("must not have a user name or password in it", "不得包含用户名或密码", kind)
    if url.port is not None and not 0 < url.port < 65536:
        raise invalid_url("has a port that does not exist", "的端口无效", kind)
    if literal(url) is None and not is_name(host(url)):
        raise invalid_url("has no valid host", "的主机名无效", kind)
    return url


def host(url: httpx.URL) -> str:
    """The host as it is asked for: a name in ASCII, or an address."""
    return url.raw_host.decode("ascii").rstrip(".")


def literal(url: httpx.URL) -> str | None:
    """The URL's address when it has one instead of a name. An address with a zone is none."""
    try:
        address = ipaddress.ip_address(host(url))
    except ValueError:
        return None
    return None if "%" in str(address) else str(address)


def is_name(text: str) -> bool:
    """Whether it is a host's name. One that ends in a number is an address in disguise: 2130706433, 127.1, 0x7f.1."""
    return NAME.fullmatch(text) is not None and NUMBER.fullmatch(text.rpartition(".")[2]) is None
