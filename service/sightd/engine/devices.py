"""Which devices there are, found without torch: the HTTP front does not import it."""

from __future__ import annotations

from pathlib import Path


def resolve(devices: tuple[str, ...]) -> tuple[str, ...]:
    """The configured devices with "auto" replaced by every NVIDIA card there is, or the CPU where there is none."""
    found: list[str] = []
    for device in devices:
        found += (cards() or ["cpu"]) if device == "auto" else [device]
    return tuple(found)


def cards() -> list[str]:
    """The NVIDIA cards whose device files this process can see."""
    numbers = sorted(int(path.name.removeprefix("nvidia")) for path in Path("/dev").glob("nvidia[0-9]*"))
    return [f"cuda:{index}" for index in range(len(numbers))]
