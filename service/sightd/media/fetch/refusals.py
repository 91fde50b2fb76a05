"""Why a picture was not fetched, as sentences for clients. They never hold addresses that a name resolved to."""

from __future__ import annotations

from ...errors import BadRequest, SightdError, TooLarge, Unprocessable


def invalid_url(why: str, chinese: str) -> SightdError:
    """The error for a URL that is none of a picture."""
    return BadRequest(f"The picture's URL {why}.", f"图片地址{chinese}。", code="invalid_image_url")


def fetching_is_off() -> SightdError:
    """The error for any URL on a server that fetches nothing."""
    return BadRequest(
        "This server does not fetch pictures. Send the picture itself as a data: URI with base64 content.",
        "本服务器不下载图片，请以 base64 编码的 data: URI 直接发送图片。",
        code="image_fetch_forbidden",
    )


def forbidden() -> SightdError:
    """The error for a host that is not to be fetched from. It is the one for a name that does not exist, too: the
    difference would tell which names an intranet has."""
    return BadRequest(
        "The picture's host has no address that this server may fetch from. Send the picture as a data: URI, or ask "
        "the operator to allow the host.",
        "服务器不允许从该地址下载图片，请以 data: URI 发送图片，或联系管理员放行。",
        code="image_fetch_forbidden",
    )


def failed(why: str, chinese: str) -> SightdError:
    """The error for a picture that could not be had."""
    return Unprocessable(
        f"The picture could not be fetched: {why}.", f"图片下载失败：{chinese}。", code="image_fetch_failed"
    )


def too_slow(seconds: float) -> SightdError:
    """The error for pictures that did not arrive in time."""
    return failed(f"it took longer than {seconds:g} seconds", f"超过了 {seconds:g} 秒的时限")


def too_large(limit: int) -> SightdError:
    """The error for a picture over `limit` bytes."""
    return TooLarge(
        f"The picture at the URL has more than {limit} bytes, which is the limit.",
        f"该地址的图片超过了 {limit} 字节的限制。",
        code="image_too_large",
    )


def too_large_together(limit: int) -> SightdError:
    """The error for pictures over `limit` bytes in all."""
    return TooLarge(
        f"The pictures of the request have more than {limit} bytes together, which is the limit.",
        f"请求中的图片总大小超过了 {limit} 字节的限制。",
        code="image_too_large",
    )
