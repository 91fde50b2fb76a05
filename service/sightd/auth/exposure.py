"""Whether the service would be open to a network without anybody having said so."""

from __future__ import annotations

import ipaddress

from ..config import ConfigError, Settings
from ..config.problems import Problem
from .keys import KeysError, load, path_of


def exposed(settings: Settings) -> str | None:
    """What is wrong with listening as configured, as a sentence, or None."""
    if settings.auth.mode == "none":
        return None
    path = path_of(settings.auth.keys_file)
    try:
        if load(path).keys:
            return None
    except KeysError as error:
        return f"auth.keys_file: {error}"
    reachable = [address for address in settings.server.bind if not is_local(address)]
    if not reachable:
        return None
    return (
        f"server.bind: {', '.join(reachable)} can be reached from the network and there are no keys. Make one with "
        f'`sightctl keys add NAME` (into {path}), or say auth.mode = "none" to let everybody call.'
    )


def refuse_exposure(settings: Settings) -> None:
    """Raises ConfigError when `exposed` has something to say."""
    if complaint := exposed(settings):
        raise ConfigError([Problem("sightd", "", complaint)])


def is_local(address: str) -> bool:
    """Whether an address to listen on is reached from this machine only."""
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
