"""Which hosts and addresses pictures may be fetched from."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address

from ...config.media import Media

Address = IPv4Address | IPv6Address

ALL_UNICAST = ipaddress.ip_network("2000::/3")
NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        # Relays and tunnels into other networks, and what Python's tables of special addresses leave out.
        ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20"),
    )
)


class Policy:
    """The configured rules. What is denied is denied whatever allows it."""

    def __init__(self, media: Media) -> None:
        self._public = media.fetch == "public"
        self._allowed_hosts, self._denied_hosts = media.allowed_hosts, media.denied_hosts
        self._allowed_networks = tuple(map(ipaddress.ip_network, media.allowed_networks))
        self._denied_networks = tuple(map(ipaddress.ip_network, media.denied_networks))

    def allows(self, host: str, address: str) -> bool:
        """Whether `address`, which `host` resolved to, may be dialled."""
        target = effective(address)
        if matches(host, self._denied_hosts) or any(target in network for network in self._denied_networks):
            return False
        if matches(host, self._allowed_hosts) or any(target in network for network in self._allowed_networks):
            return True
        return self._public and is_public(target)


def effective(address: str) -> Address:
    """The address that packets go to: an IPv4 address in IPv6 clothes is that IPv4 address."""
    parsed = ipaddress.ip_address(address)
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed


def is_public(address: Address) -> bool:
    """Whether it is an address of one host on the Internet."""
    if isinstance(address, IPv6Address) and address not in ALL_UNICAST:
        return False
    return address.is_global and not address.is_multicast and not any(address in network for network in NOT_PUBLIC)


def matches(host: str, patterns: Iterable[str]) -> bool:
    """Whether the host is one of the names, or below one that is written *.name."""
    return any(host == p or (p.startswith("*.") and host.endswith(p[1:])) for p in patterns)
