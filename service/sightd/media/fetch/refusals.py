"""Why a picture or video was not fetched, as sentences for clients. They never hold addresses that a name resolved
to."""

from __future__ import annotations

from ...errors import BadRequest, SightdError, TooLarge, Unprocessable
from ..kinds import PICTURE, Kind


def invalid_url(why: str, chinese: str, kind: Kind = PICTURE) -> SightdError:
    """The error for a URL that is none of a picture or video."""
    return BadRequest(
        f"The {kind.english}'s URL {why}.", f"{kind.chinese}地址{chinese}。", code=f"invalid_{kind.type}_url"
    )


def fetching_is_off(kind: Kind = PICTURE) -> SightdError:
    """The error for any URL on a server that fetches nothing."""
    return BadRequest(
        f"This server does not fetch {kind.english}s. Send the {kind.english} itself as a data: URI with base64 "
        "content.",
        f"本服务器不下载{kind.chinese}，请以 base64 编码的 data: URI 直接发送{kind.chinese}。",
        code=f"{kind.type}_fetch_forbidden",
    )


def forbidden(kind: Kind = PICTURE) -> SightdError:
    """The error for a host that is not to be fetched from. It is the one for a name that does not exist, too: the
    difference would tell which names an intranet has."""
    return BadRequest(
        f"The {kind.english}'s host has no address that this server may fetch from. Send the {kind.english} as a data: "
        "URI, or ask the operator to allow the host.",
        f"服务器不允许从该地址下载{kind.chinese}，请以 data: URI 发送{kind.chinese}，或联系管理员放行。",
        code=f"{kind.type}_fetch_forbidden",
    )


def failed(why: str, chinese: str, kind: Kind = PICTURE) -> SightdError:
    """The error for a picture or video that could not be had."""
    return Unprocessable(
        f"The {kind.english} could not be fetched: {why}.",
        f"{kind.chinese}下载失败：{chinese}。",
        code=f"{kind.type}_fetch_failed",
    )


def too_slow(seconds: float, kind: Kind = PICTURE) -> SightdError:
    """The error for what did not arrive in time."""
    return failed(f"it took longer than {seconds:g} seconds", f"超过了 {seconds:g} 秒的时限", kind)


def too_large(limit: int, kind: Kind = PICTURE) -> SightdError:
    """The error for a picture or video over `limit` bytes."""
    return TooLarge(
        f"The {kind.english} at the URL has more than {limit} bytes, which is the limit.",
        f"该地址的{kind.chinese}超过了 {limit} 字节的限制。",
        code=f"{kind.type}_too_large",
    )


def too_large_together(limit: int, kind: Kind = PICTURE) -> SightdError:
    """The error for pictures or videos over `limit` bytes in all."""
    return TooLarge(
        f"The {kind.english}s of the request have more than {limit} bytes together, which is the limit.",
        f"请求中的{kind.chinese}总大小超过了 {limit} 字节的限制。",
        code=f"{kind.type}_too_large",
    )
