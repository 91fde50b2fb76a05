"""Numbers that were put together on the host, on their way to the device."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor


def upload(numbers: NDArray[Any], device: torch.device) -> Tensor:
    """The array as a tensor on the device. A card fetches it by itself, from pinned memory that torch keeps until then,
    so that nothing waits for the card; on the CPU it is the array's own memory."""
    tensor = torch.from_numpy(numbers)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor
