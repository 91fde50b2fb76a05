"""How much memory a device has left, and how many tokens of cache that is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from ..models.network import CacheShape

CPU_SHARE = 0.5
"""Of the memory that is free on the CPU the cache gets at most this share: everything else there lives from it too."""
CPU_SEQUENCE_TOKENS = 1024
"""Tokens that a plan for the CPU counts for each sequence: all of the cache's memory is taken at the start, which takes
seconds, and a CPU does not get through many long prompts at a time."""


class DoesNotFit(Exception):
    """The cache cannot hold even one sequence; the message says what would help."""


class NoSuchDevice(Exception):
    """The device is not there; the message says which are."""


def check_device(device: torch.device) -> None:
    """Raise NoSuchDevice for a card that this machine does not have, or that torch cannot use."""
    cards = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= cards:
        raise NoSuchDevice(
            f"There is no {device}: torch sees {cards} cards here. Set engine.devices to one that `nvidia-smi -L` "
            'lists, or to "cpu".'
        )


@dataclass(frozen=True)
class CachePlan:
    """Blocks of the cache and the longest sequence it can hold, in tokens."""

    blocks: int
    block_size: int
    max_model_len: int


def free_bytes(device: torch.device, utilization: float) -> int:
    """Bytes that the cache may take."""
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        return int(free - (1 - utilization) * total)
    return int(min(available_memory(), cgroup_room()) * utilization * CPU_SHARE)


def used_bytes(device: torch.device) -> int:
    """Bytes that this process holds on the device."""
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device))
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def check_weights(size: int, device: torch.device, utilization: float) -> None:
    """Refuse weights of `size` bytes that the device cannot hold before any of them is read. Raises DoesNotFit."""
    room = free_bytes(device, utilization) / (1.0 if device.type == "cuda" else CPU_SHARE)
    if size > room:
        raise DoesNotFit(
            f"The weights take {size / 2**30:.1f} GiB and {device} has {room / 2**30:.1f} GiB for them: free memory, "
            "raise engine.memory_utilization, or take a smaller or quantised checkpoint."
        )


def available_memory() -> int:
    """MemAvailable of the machine in bytes."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 1 << 40


def cgroup_room() -> int:
    """Bytes left under the control group's memory limit (version 2); very many when there is none."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = (folder / "memory.max").read_text().strip()
        return 1 << 50 if limit == "max" else max(0, int(limit) - int((folder / "memory.current").read_text()))
    except (OSError, ValueError):
        return 1 << 50


def plan(
    shape: CacheShape,
    room: int,
    block_size: int,
    wanted_tokens: int,
    wanted_len: int,
    positions: int,
    sequences: int,
    sequence_tokens: int,
) -> CachePlan:
    """Divide `room` bytes. `wanted_tokens` and `wanted_len` are the operator's (0: as much as is useful, with up to
    `sequence_tokens` for each of so many sequences); `positions` is the longest sequence the model knows. Raises
    DoesNotFit."""
    longest = min(wanted_len or positions, positions)
    affordable = room // shape.token_bytes // block_size
    useful = -(-(wanted_tokens or max(longest, sequences * min(longest, sequence_tokens))) // block_size)
    blocks = min(affordable, useful)
    if wanted_len > positions:
        raise DoesNotFit(
            f"engine.max_model_len = {wanted_len} is more than the {positions} tokens that the model knows."
        )
    if wanted_len > blocks * block_size or blocks < 8:
        have = f"{room / 2**20:.0f} MiB are left for it, which is {affordable * block_size} tokens"
        raise DoesNotFit(
            f"The key/value cache takes {shape.token_bytes} bytes per token and {have}: lower engine.max_model_len, "
            "raise engine.memory_utilization, or free memory on the device."
        )
    return CachePlan(blocks, block_size, min(longest, blocks * block_size))
