"""A private network between containers and this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ..system.machine import Machine

PREFIX = "10.213.77"


def ip(*arguments: str) -> None:
    """Run ip; it must succeed."""
    subprocess.run(["ip", *arguments], check=True)


class Bridge:
    """The network; hosts on it reach each other and this machine, and nothing else."""

    def __init__(self) -> None:
        self.name = f"fleet{os.getpid()}"
        ip("link", "add", self.name, "type", "bridge")
        ip("addr", "add", f"{PREFIX}.1/24", "dev", self.name)
        ip("link", "set", self.name, "up")

    def boot(self, root: str, folder: Path, name: str, number: int) -> Host:
        """Boot a host with an address on this network."""
        return Host(root, folder, name, number, f"--network-bridge={self.name}")

    def remove(self) -> None:
        """Remove it."""
        ip("link", "del", self.name)


class Host(Machine):
    """A container with an address and sshd."""

    def __init__(self, root: str, folder: Path, name: str, number: int, network: str) -> None:
        super().__init__(root, folder, name, network)
        self.address = f"{PREFIX}.{number}"
        for command in (
            ("addr", "add", f"{self.address}/24", "dev", "host0"),
            ("link", "set", "host0", "up"),
            ("link", "set", "lo", "up"),
        ):
            subprocess.run([*self._enter("-n"), "ip", *command], check=True)
        # The interface of our side has a name that systemd-nspawn shortens; it is up once a container uses it.
        (interface,) = Path(f"/proc/{self.leader}/root/sys/class/net/host0/iflink").read_text().split()
        side = next(p for p in Path("/sys/class/net").iterdir() if (p / "ifindex").read_text().strip() == interface)
        ip("link", "set", side.name, "up")

    def vanish(self) -> None:
        """Leave the network at once, without a word to anybody."""
        subprocess.run([*self._enter("-n"), "ip", "link", "set", "host0", "down"], check=True)

    def appear(self) -> None:
        """Be on the network again."""
        subprocess.run([*self._enter("-n"), "ip", "link", "set", "host0", "up"], check=True)
