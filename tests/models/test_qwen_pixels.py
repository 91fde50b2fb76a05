"""The pixels that the Qwen-VL families see, from the file to the patches, are those of transformers' processor."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from sightd.media.pictures import decode
from sightd.models.families import PicturePlan, prompt_builder
from sightd.models.qwen_vl.frames import prepare
from sightd.models.qwen_vl.pixels import patch_rows
from sightd.models.qwen_vl.preprocessing import read_preprocessing
from sightd.models.qwen_vl.prompt import read_layout
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from ..pictures import encoded, noise

MOST = 1 << 30
PATCHES = ("qwen2_5_vl", "qwen3_vl")
"""A family of each size of patches; the others prepare pictures as these do."""
SIZES = [(64, 64), (200, 90), (33, 300), (700, 500), (1, 1), (3, 2), (20, 30), (1990, 10), (7, 1400), (1601, 1203)]
BOUNDS = [(1, 50_000), (200_000, 300_000), (1_000_000, 1_100_000)]


def ours(folder: Path, picture: Image.Image, plan: PicturePlan) -> torch.Tensor:
    """The patches that the network gets for a decoded picture."""
    layout = read_layout(folder)
    numbers = read_preprocessing(folder, layout)
    frames = torch.from_numpy(prepare(picture, plan.numbers).parts[0].copy())
    return patch_rows(frames, layout, torch.tensor(numbers.mean), torch.tensor(numbers.std))


def assert_same(found: torch.Tensor, expected: torch.Tensor) -> None:
    """Compare patches to rounding: a level of a colour is 0.014 here."""
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-5


def smooth(size: tuple[int, int]) -> Image.Image:
    """A picture with gradients and grain, as photographs have them."""
    across, down = np.meshgrid(np.linspace(0, 3, size[0]), np.linspace(0, 2, size[1]))
    waves = np.stack([np.sin(across * 5 + down), np.cos(down * 7), np.sin(across * down * 3)], -1)
    grain = np.random.default_rng(5).normal(0, 4, waves.shape)
    return Image.fromarray((128 + 100 * waves + grain).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("family", PATCHES)
def test_sizes(family: str, tiny_checkpoints: dict[str, Path]) -> None:
    """Pictures of all sizes and shapes have the reference's patches."""
    folder = tiny_checkpoints[family]
    plan, reference = prompt_builder(folder).picture_plan, Qwen2VLImageProcessorPil.from_pretrained(folder)
    for seed, size in enumerate(SIZES):
        for picture in (noise(seed, size), smooth(size)):
            expected = reference(picture, return_tensors="pt")["pixel_values"]
            assert_same(ours(folder, decode(encoded(picture), MOST), plan), expected)


def in_modes() -> dict[str, tuple[Image.Image, str]]:
    """Pictures of every mode that files have, with the format that keeps it."""
    picture = noise(3, (210, 130))
    alpha = Image.fromarray(np.linspace(0, 255, 210).astype(np.uint8)[None].repeat(130, 0))
    palette = picture.quantize(40)
    made = {mode: (picture.convert(mode), "PNG") for mode in ("RGB", "L", "1")}
    made["CMYK"] = (picture.convert("CMYK"), "TIFF")
    made["P"] = (palette, "PNG")
    clear = palette.copy()
    clear.info["transparency"] = bytes([0, 120, 255])
    made["P, partly transparent"] = (clear, "PNG")
    seen = picture.copy()
    seen.putalpha(alpha)
    made["RGBA"] = (seen, "PNG")
    made["LA"] = (seen.convert("LA"), "PNG")
    return made


@pytest.mark.parametrize("mode", in_modes())
def test_modes(mode: str, tiny_checkpoints: dict[str, Path]) -> None:
    """Grey, bilevel, palette, CMYK and transparent pictures have the reference's patches; transparency is white."""
    folder = tiny_checkpoints["qwen3_vl"]
    picture, kind = in_modes()[mode]
    expected = Qwen2VLImageProcessorPil.from_pretrained(folder)(picture, return_tensors="pt")["pixel_values"]
    found = ours(folder, decode(encoded(picture, kind), MOST), prompt_builder(folder).picture_plan)
    assert_same(found, expected)


@pytest.mark.parametrize("family", PATCHES)
@pytest.mark.parametrize("bounds", BOUNDS)
def test_bounds(family: str, bounds: tuple[int, int], tiny_checkpoints: dict[str, Path], tmp_path: Path) -> None:
    """Other least and most pixels of the checkpoint, in either of the files and spellings that say them, give the
    reference's patches, and so do those of a request."""
    least, most = bounds
    source = tiny_checkpoints[family]
    content = json.loads((source / "preprocessor_config.json").read_text())
    size = {"shortest_edge": least, "longest_edge": most}
    named = {key: value for key, value in content.items() if key != "size"} | {"min_pixels": least, "max_pixels": most}
    files = {
        "preprocessor_config.json": named,
        "processor_config.json": {"image_processor": content | {"size": size}},
    }
    picture = smooth((640, 470))
    for name, said in files.items():
        folder = tmp_path / name
        folder.mkdir()
        for path in source.iterdir():
            if path.name != "preprocessor_config.json":
                (folder / path.name).symlink_to(path)
        (folder / name).write_text(json.dumps(said))
        expected = Qwen2VLImageProcessorPil.from_pretrained(folder)(picture, return_tensors="pt")["pixel_values"]
        assert_same(ours(folder, picture, prompt_builder(folder).picture_plan), expected)
    plan, reference = prompt_builder(source).picture_plan, Qwen2VLImageProcessorPil.from_pretrained(source)
    asked = plan.bounded(20_000, 40_000)
    size = {"shortest_edge": 20_000, "longest_edge": 40_000}
    assert_same(ours(source, picture, asked), reference(picture, size=size, return_tensors="pt")["pixel_values"])


@pytest.mark.parametrize("size", [(200, 90), (33, 300), (700, 500), (1601, 1203)])
def test_the_other_resize(size: tuple[int, int], tiny_checkpoints: dict[str, Path]) -> None:
    """Torch's own resize of bytes, which the processor on torchvision calls, differs from Pillow's by two levels of a
    colour at most in pictures like photographs, and hardly ever by more than one; at hard edges sometimes by more."""
    plan = prompt_builder(tiny_checkpoints["qwen3_vl"]).picture_plan
    for picture, most in ((smooth(size), 2), (noise(2, size), 255)):
        found = prepare(picture, plan.numbers).parts[0][0].astype(int)
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None]
        other = F.interpolate(pixels, found.shape[:2], mode="bicubic", antialias=True)[0].permute(1, 2, 0).numpy()
        difference = np.abs(found - other)
        assert difference.max() <= most
        assert (difference > 1).mean() < 1e-3
