"""The front's end of a channel, on the event loop: sending never blocks, messages arrive by callback."""

from __future__ import annotations

import asyncio
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any

from .channel import ChannelClosed, Received, receive, send

Outgoing = tuple[dict[str, Any], list[int]]


class Link:
    """Sends and receives over one socket. `on_message` gets each message, `on_close` is called once at the end."""

    def __init__(
        self, end: socket.socket, on_message: Callable[[Received], None], on_close: Callable[[], None]
    ) -> None:
        end.setblocking(False)
        self._end = end
        self._on_message = on_message
        self._on_close = on_close
        self._outgoing: deque[Outgoing] = deque()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(end, self._readable)
        self.closed = False

    def send(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        """Send now, or when the peer has room. Descriptors are duplicated, so the caller may close its own at once."""
        if self.closed:
            return
        self._outgoing.append((message, [os.dup(d) for d in descriptors or ()]))
        if len(self._outgoing) == 1:
            self._writable()

    def _writable(self) -> None:
        while self._outgoing and not self.closed:
            message, descriptors = self._outgoing[0]
            try:
                send(self._end, message, descriptors)
            except BlockingIOError:
                self._loop.add_writer(self._end, self._writable)
                return
            except ChannelClosed:
                self.close()
                return
            self._outgoing.popleft()
            close_all(descriptors)
        if not self.closed:
            self._loop.remove_writer(self._end)

    def _readable(self) -> None:
        # Bounded, so that a chatty peer cannot hold the event loop.
        for _ in range(64):
            if self.closed:
                return
            try:
                received = receive(self._end)
            except BlockingIOError:
                return
            except ChannelClosed:
                self.close()
                return
            self._on_message(received)

    def close(self) -> None:
        """Stop and tell; what was not sent yet is dropped."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._end)
        self._loop.remove_writer(self._end)
        self._end.close()
        for _, descriptors in self._outgoing:
            close_all(descriptors)
        self._outgoing.clear()
        self._on_close()


def close_all(descriptors: list[int]) -> None:
    """Close every descriptor."""
    for descriptor in descriptors:
        os.close(descriptor)
