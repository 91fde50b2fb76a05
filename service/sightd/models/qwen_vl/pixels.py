"""RGB frames to the patch rows that the Qwen-VL vision encoders take, on the device."""

from __future__ import annotations

import torch
from torch import Tensor

from .prompt import Layout


def patch_rows(frames: Tensor, layout: Layout, mean: Tensor, std: Tensor) -> Tensor:
    """Normalised patches of one picture or video.

    `frames` is uint8 [frames, height, width, 3] with sides that are multiples of patch x merge; `mean` and `std` are
    float32 [3] on the 0-1 scale. Returns float32 [patches, 3 * temporal * patch * patch] in merge-block order; a last
    odd frame is repeated to fill its temporal patch.
    """
    missing = -frames.shape[0] % layout.temporal
    if missing:
        frames = torch.cat([frames, frames[-1:].expand(missing, -1, -1, -1)])
    scaled = frames.to(torch.float32).mul_(1 / 255).sub_(mean).div_(std)
    patch, merge = layout.patch, layout.merge
    times, rows, columns = frames.shape[0] // layout.temporal, frames.shape[1] // patch, frames.shape[2] // patch
    blocks = scaled.view(times, layout.temporal, rows // merge, merge, patch, columns // merge, merge, patch, 3)
    ordered = blocks.permute(0, 2, 5, 3, 6, 8, 1, 4, 7)
    return ordered.reshape(times * rows * columns, 3 * layout.temporal * patch * patch)
