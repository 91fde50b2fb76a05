"""Every error a client can get: its status, its OpenAI type and code, and a sentence in English and in Chinese.

The sentence says what to do. It never holds paths, addresses or traces. `sightd.api.failures` is the one place that
turns these into responses.
"""

from __future__ import annotations


class SightdError(Exception):
    """Base of all errors that have an answer for the client."""

    status = 500
    type = "server_error"
    code: str | None = "internal_error"

    def __init__(self, message: str, chinese: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.chinese = chinese
        self.param = param
        if code is not None:
            self.code = code

    @property
    def headers(self) -> dict[str, str]:
        """Headers that belong to the answer."""
        return {}


class BadRequest(SightdError):
    """The request cannot be understood or contradicts itself."""

    status = 400
    type = "invalid_request_error"
    code = "bad_request"


class Unauthorized(SightdError):
    """No key, or one that is not known or has expired."""

    status = 401
    type = "authentication_error"
    code = "invalid_api_key"

    @property
    def headers(self) -> dict[str, str]:
        """The scheme to use."""
        return {"WWW-Authenticate": "Bearer"}


class Forbidden(SightdError):
    """The caller is known and may not do this."""

    status = 403
    type = "permission_error"
    code = "forbidden"


class NotFound(SightdError):
    """There is no such model or path."""

    status = 404
    type = "not_found_error"
    code = "not_found"


class MethodNotAllowed(SightdError):
    """The path exists, but not for this method."""

    status = 405
    type = "invalid_request_error"
    code = "method_not_allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(
            f"This endpoint takes {allowed or 'other methods'}. See /docs.",
            f"该接口只支持 {allowed or '其他方法'}，请参阅 /docs。",
        )
        self._allowed = allowed

    @property
    def headers(self) -> dict[str, str]:
        """The methods there are."""
        return {"Allow": self._allowed}


class TooLarge(SightdError):
    """A body or a file is over its limit."""

    status = 413
    type = "invalid_request_error"
    code = "too_large"


class UnsupportedMedia(SightdError):
    """The body is of a kind that the endpoint does not take."""

    status = 415
    type = "invalid_request_error"
    code = "unsupported_media_type"


class Unprocessable(SightdError):
    """The request is well-formed, but a field is missing or out of bounds."""

    status = 422
    type = "invalid_request_error"
    code = "unprocessable"


class ClientGone(SightdError):
    """The client closed the connection; for the log only."""

    status = 499
    type = "client_closed"
    code = "client_closed_request"

    def __init__(self) -> None:
        super().__init__("The client closed the connection.", "客户端已断开连接。")


class TryLater(SightdError):
    """The same request would be answered later: after `retry_after` seconds."""

    def __init__(self, message: str, chinese: str, retry_after: int) -> None:
        super().__init__(message, chinese)
        self.retry_after = retry_after

    @property
    def headers(self) -> dict[str, str]:
        """When to try again."""
        return {"Retry-After": str(self.retry_after)}


class TooManyRequests(TryLater):
    """A key's own limit is reached."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"

    def __init__(self, limit: str, chinese: str, retry_after: int) -> None:
        super().__init__(
            f"The key's limit of {limit} is reached. Try again in {retry_after} seconds.",
            f"已达到该密钥的限额（{chinese}），请在 {retry_after} 秒后重试。",
            retry_after,
        )


class Overloaded(TryLater):
    """No place in the queue."""

    status = 503
    type = "overloaded_error"
    code = "overloaded"

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            f"The server is busy and its queue is full. Try again in {retry_after} seconds.",
            f"服务器繁忙，排队已满，请在 {retry_after} 秒后重试。",
            retry_after,
        )


class NotReady(TryLater):
    """The model is not loaded yet, or its engine is down."""

    status = 503
    type = "unavailable_error"
    code = "model_not_ready"

    def __init__(self, reason: str, chinese: str, retry_after: int = 5) -> None:
        super().__init__(reason, chinese, retry_after)


class Stopping(TryLater):
    """The service is about to end."""

    status = 503
    type = "unavailable_error"
    code = "stopping"

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            f"The server is being stopped or restarted. Try again in {retry_after} seconds.",
            f"服务正在停止或重启，请在 {retry_after} 秒后重试。",
            retry_after,
        )


class TooSlow(SightdError):
    """The request's body did not arrive in time."""

    status = 408
    type = "timeout_error"
    code = "body_timeout"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The request's body did not arrive within {seconds:g} seconds. Send it faster, or less of it.",
            f"请求体未在 {seconds:g} 秒内传输完毕，请加快传输或减小内容。",
        )


class TimedOut(SightdError):
    """The request took longer than it may."""

    status = 504
    type = "timeout_error"
    code = "request_timeout"

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The request took longer than its limit of {seconds:g} seconds. Allow more time or ask for less.",
            f"请求超过了 {seconds:g} 秒的时限，请缩短回答长度或放宽时限。",
        )


class Internal(SightdError):
    """Something failed that is not the client's doing."""

    def __init__(self, what: str = "unexpected failure", chinese: str = "意外故障") -> None:
        super().__init__(
            f"Internal error: {what}. The operator finds more in the log under the request id.",
            f"服务器内部错误: {chinese}",
        )
