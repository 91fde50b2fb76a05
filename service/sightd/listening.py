"""Whether the addresses to listen on are free, found out before gunicorn tries them again and again."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable


def taken(addresses: Iterable[str]) -> str | None:
    """What is wrong with the first address that cannot be listened on, as a sentence, or None."""
    for address in addresses:
        if not address.startswith("unix:") and (error := attempt(address)):
            return f"server.bind: {address}: {complaint(error, address)}"
    return None


def attempt(address: str) -> OSError | None:
    """Listen there for a moment; what came of it."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
    except OSError as error:
        return error
    return None


def complaint(error: OSError, address: str) -> str:
    """What to do about it."""
    if error.errno == errno.EADDRINUSE:
        port = address.rpartition(":")[2]
        return (
            f"the port is taken by another program; `ss -ltnp sport = :{port}` shows which. Stop it or choose another."
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address; `ip address` lists those it has."
    return f"cannot be listened on: {error.strerror or error}."
