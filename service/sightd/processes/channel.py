"""Messages between two processes over a Unix socket pair: msgpack, with file descriptors attached.

SOCK_SEQPACKET keeps messages apart, so there is no framing and no half message. A message too large for a packet
travels in an anonymous memory file whose descriptor goes with it.
"""

from __future__ import annotations

import os
import select
import socket
from dataclasses import dataclass, field
from typing import Any

import msgpack

PACKET = 64 * 1024
"""Messages up to this many bytes go in the packet itself."""
MOST_DESCRIPTORS = 250
"""The kernel passes at most 253 descriptors at once (SCM_MAX_FD)."""
INLINE, SPILLED = b"\x00", b"\x01"


class ChannelClosed(Exception):
    """The process at the other end is gone."""


@dataclass
class Received:
    """A message and the descriptors that came with it; whoever takes the message closes them."""

    message: dict[str, Any]
    descriptors: list[int] = field(default_factory=list)


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def memory_file(data: bytes | memoryview, name: str) -> int:
    """The descriptor of an anonymous file with this content, which whoever gets it may seal."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def read_memory_file(descriptor: int) -> bytes:
    """The whole content of an anonymous file of less than 2 GiB; closes it. Asks for nothing but reading, so that it
    works in a sandbox."""
    try:
        return os.pread(descriptor, os.lseek(descriptor, 0, os.SEEK_END), 0)
    finally:
        os.close(descriptor)


def send(end: socket.socket, message: dict[str, Any], descriptors: list[int] | None = None, flags: int = 0) -> None:
    """Send one message. Raises BlockingIOError when the end is non-blocking and full, ChannelClosed when the peer is
    gone. The descriptors stay open here."""
    packed: bytes = msgpack.packb(message)
    passed = list(descriptors or ())
    spill = memory_file(packed, "sightd-message") if len(packed) > PACKET else None
    try:
        if spill is not None:
            socket.send_fds(end, [SPILLED], [*passed, spill], flags)
        else:
            socket.send_fds(end, [INLINE, packed], passed, flags)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise ChannelClosed from error
    finally:
        if spill is not None:
            os.close(spill)


def receive(end: socket.socket, flags: int = 0) -> Received:
    """Take one message. Raises BlockingIOError when there is none, ChannelClosed when the peer is gone."""
    try:
        data, descriptors, _, _ = socket.recv_fds(
            end, PACKET + 1, MOST_DESCRIPTORS + 1, flags | socket.MSG_CMSG_CLOEXEC
        )
    except ConnectionResetError as error:
        raise ChannelClosed from error
    if not data:
        raise ChannelClosed
    packed = read_memory_file(descriptors.pop()) if data[:1] == SPILLED else data[1:]
    return Received(msgpack.unpackb(packed, strict_map_key=False), descriptors)


def waiting(end: socket.socket, seconds: float) -> bool:
    """Whether a message (or the end of the channel) arrives within `seconds`."""
    poll = select.poll()
    poll.register(end, select.POLLIN)
    return bool(poll.poll(max(0, seconds) * 1000))
