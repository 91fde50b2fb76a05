"""HTTP connections that wait only so long for the head of a request, and let one in that is on its way at the end."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LAST_HEAD_SECONDS = 0.5
"""How long an idle connection stays open once the server ends: its client may have sent a request by then."""


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol. A connection on which no whole head has come `head_seconds` after it began, or after the
    first byte of a later request, is closed: it would hold a descriptor for as long as its client likes. When the
    server ends, a request that is on its way is still answered, where uvicorn would close the connection on it."""

    def __init__(self, *arguments: Any, head_seconds: float, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._head_seconds = head_seconds
        self._late: asyncio.TimerHandle | None = None
        self._is_last = False

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        super().connection_made(transport)
        self._wait()

    def on_message_begin(self) -> None:
        """The first byte of a request has come."""
        super().on_message_begin()
        self._wait()

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._wait_no_more()
        super().on_headers_complete()
        if self._is_last:
            super().shutdown()

    def shutdown(self) -> None:
        """The server ends: this connection takes at most one more request."""
        self._is_last = True
        if self._idle:
            asyncio.get_running_loop().call_later(LAST_HEAD_SECONDS, self._close_if_idle)
        else:
            super().shutdown()

    @property
    def _idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _close_if_idle(self) -> None:
        if self._idle:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._wait_no_more()
        self._late = asyncio.get_running_loop().call_later(self._head_seconds, self.transport.close)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
