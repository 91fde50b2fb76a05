"""The SigLIP encoder without recorded answers: transformers' own where that can be asked, and pictures side by side."""

from __future__ import annotations

import torch
from sightd.engine.attention import fused, hook
from sightd.engine.attention.hook import PackedStep
from sightd.models.minicpm_v.vision import Normalisation, VisionEncoder, positions
from torch import Tensor
from transformers import SiglipVisionConfig, SiglipVisionModel

from ..checkpoints import widen

SIDE, PATCH = 4, 14
NORMALISATION = Normalisation((0.5,) * 3, (0.5,) * 3, PATCH)


def encoder() -> VisionEncoder:
    """A random encoder with places for 4 x 4 patches."""
    hook.register()
    config = SiglipVisionConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=SIDE * PATCH,
        patch_size=PATCH,
        vision_use_head=False,
    )
    torch.manual_seed(3)
    made = VisionEncoder(config).eval()
    widen(made)
    made.config._attn_implementation = hook.NAME
    return made


def frames(count: int, rows: int, columns: int) -> Tensor:
    """Random pictures of so many patches."""
    return torch.randint(0, 256, (count, rows * PATCH, columns * PATCH, 3), dtype=torch.uint8)


@torch.inference_mode()
def test_squares_are_as_in_transformers() -> None:
    """For squares of the one size that transformers' SigLIP takes, its states come out."""
    ours = encoder()
    config = SiglipVisionConfig(**ours.config.to_dict() | {"attn_implementation": "eager"})
    theirs = SiglipVisionModel(config).eval()
    names = {name.removeprefix("vision_model."): name for name in theirs.state_dict()}
    theirs.load_state_dict({names[name]: tensor for name, tensor in ours.state_dict().items()})
    pixels = frames(2, SIDE, SIDE)
    patches = NORMALISATION.patches(pixels)
    found = ours(patches, [(SIDE, SIDE)] * 2, PackedStep(fused))
    expected = theirs((pixels.permute(0, 3, 1, 2).float() / 255 - 0.5) / 0.5).last_hidden_state
    assert torch.allclose(found, expected.flatten(0, 1), atol=1e-4)


@torch.inference_mode()
def test_pictures_do_not_see_each_other() -> None:
    """Pictures of several sizes in one row come out as each does by itself."""
    ours = encoder()
    sides = [(2, 7), (9, 3), (1, 1), (5, 5)]
    patches = [NORMALISATION.patches(frames(1, *side)) for side in sides]
    together = ours(torch.cat(patches), sides, PackedStep(fused)).split([len(p) for p in patches])
    for side, one, found in zip(sides, patches, together, strict=True):
        assert torch.allclose(found, ours(one, [side], PackedStep(fused)), atol=1e-5)


def test_borders_are_decided_in_single_precision() -> None:
    """The learned places of a side of 25 patches are the reference's, not those of exact arithmetic."""
    places = positions(1, 25, 70).tolist()
    assert places[:5] == [0, 2, 5, 8, 11]
    assert places != [number * 70 // 25 for number in range(25)]
