"""Sampling, sizes and prompts of videos are transformers' own, whose video processors need torchvision to be imported:
their functions are taken from their source."""

from __future__ import annotations
import __future__

import ast
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from sightd.models.families import prompt_builder
from sightd.models.frames import Clip
from sightd.models.prompt import Media
from sightd.models.qwen_vl.video import Sampling
from sightd.models.videoplan import VideoOptions
from transformers.models.qwen3_vl.processing_qwen3_vl import Qwen3VLProcessor
from transformers.video_utils import VideoMetadata

from ..checkpoints import FAMILIES
from ..minicpm import change_json

NUMBERS: dict[str, Any] = {
    "factor": 32,
    "temporal": 2,
    "fps": 2.0,
    "min_frames": 4,
    "max_frames": 768,
    "min_pixels": 128 * 32 * 32,
    "max_pixels": 768 * 32 * 32,
    "frame_pixels": (1, 1 << 40),
    "total_pixels": 1 << 40,
}
CLIPS = [(2, 24.0), (3, 30.0), (5, 1.0), (30, 29.97), (97, 25.0), (240, 24.0), (1000, 23.976), (5000, 60.0), (20, 0.5)]


def reference(family: str, name: str) -> Callable[..., Any]:
    """A function or method of a family's video processor."""
    path = Path(transformers.__file__).parent / "models" / family / f"video_processing_{family}.py"
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    found = next(node for node in nodes if isinstance(node, ast.FunctionDef) and node.name == name)
    names: dict[str, Any] = {"math": math, "np": np, "torch": torch}
    module = ast.Module([found], [])
    exec(compile(module, str(path), "exec", __future__.annotations.compiler_flag), names)  # noqa: S102
    function: Callable[..., Any] = names[name]
    return function


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen3_vl"])
@pytest.mark.parametrize("fps", [0.3, 1.0, 2.0, 7.0])
def test_sampling(family: str, fps: float) -> None:
    """The frames that are taken are the reference's."""
    sample = reference(family, "sample_frames")
    processor = SimpleNamespace(min_frames=4, max_frames=64, fps=2, num_frames=None, temporal_patch_size=2)
    ours = Sampling(**NUMBERS | {"whole": family == "qwen3_vl", "fps": fps, "max_frames": 64})
    for frames, rate in CLIPS:
        expected = sample(processor, VideoMetadata(total_num_frames=frames, fps=rate), fps=fps)
        assert ours.indices(Clip(frames, rate, 64, 64)) == list(expected)


def test_few_frames() -> None:
    """A video of one frame, which the reference refuses, is seen."""
    for whole in (True, False):
        ours = Sampling(**NUMBERS | {"whole": whole})
        assert ours.indices(Clip(1, 25.0, 64, 64)) == [0]
        assert ours.size(1, 320, 320)


def test_sizes_of_whole_clips() -> None:
    """Frames of Qwen3-VL are resized as the reference resizes them: the bounds are those of all frames together."""
    smart_resize = reference("qwen3_vl", "smart_resize")
    ours = Sampling(**NUMBERS | {"whole": True})
    rng = np.random.default_rng(3)
    sizes = np.exp(rng.uniform(2.5, 8, (2000, 2))).astype(int)
    for (height, width), frames in zip(sizes.tolist(), rng.integers(2, 300, 2000).tolist(), strict=True):
        try:
            expected = smart_resize(frames, height, width, 2, 32, 128 * 32 * 32, 768 * 32 * 32)
        except ValueError:
            with pytest.raises(ValueError, match="200 times"):
                ours.size(frames, height, width)
        else:
            assert ours.size(frames, height, width) == expected


def test_bounds_of_requests_and_of_the_operator(tiny_checkpoints: dict[str, Path]) -> None:
    """A request may have other sampling and pixels within the model's bounds, and no more frames than the operator
    allows; the operator's pixels hold for all frames together."""
    for family in ("qwen2_vl", "qwen3_vl"):
        plan = prompt_builder(tiny_checkpoints[family]).video_plan
        assert plan is not None
        plan = plan.within(16, 40_000)
        numbers = plan.wished(VideoOptions(fps=1.0, max_frames=6, max_pixels=5000)).numbers
        sampling = Sampling(**numbers)
        assert len(sampling.indices(Clip(1000, 25.0, 640, 480))) == 6
        assert math.prod(sampling.size(6, 480, 640)) <= 5000
        assert 16 * math.prod(Sampling(**plan.numbers).size(16, 480, 640)) <= max(40_000, 16 * numbers["min_pixels"])
        for wrong in (VideoOptions(max_frames=17), VideoOptions(max_pixels=1 << 40), VideoOptions(max_slice_nums=2)):
            with pytest.raises(ValueError, match=r"at most 16|must lie between|not sliced"):
                plan.wished(wrong)


def test_what_a_checkpoint_says(tmp_path: Path) -> None:
    """Sampling and bounds come from the checkpoint's own video file, else from its picture file."""
    from ..checkpoints import make

    folder = make("qwen3_vl", tmp_path / "x")
    plan = prompt_builder(folder).video_plan
    assert plan is not None
    assert plan.numbers["max_pixels"] == (20 * 16) ** 2
    (folder / "video_preprocessor_config.json").write_text("{}")
    change_json(folder / "video_preprocessor_config.json", fps=1, max_frames=9, size={"longest_edge": 77})
    plan = prompt_builder(folder).video_plan
    assert plan is not None
    assert (plan.numbers["fps"], plan.numbers["max_frames"], plan.numbers["max_pixels"]) == (1.0, 9, 77)
    template = folder / "chat_template.jinja"
    template.write_text(template.read_text("utf-8").replace("<|video_pad|>", ""), "utf-8")
    assert prompt_builder(folder).video_plan is None


@pytest.mark.parametrize("frames", [4, 5])
def test_timestamps(frames: int, tiny_checkpoints: dict[str, Path]) -> None:
    """The text between the frames of Qwen3-VL is the reference's, odd numbers of frames included."""
    builder = prompt_builder(tiny_checkpoints["qwen3_vl"])
    indices = [0, 7, 15, 22, 30][:frames]
    groups = -(-frames // 2)
    metadata = VideoMetadata(total_num_frames=31, fps=24.0, frames_indices=list(indices))
    processor = SimpleNamespace(
        video_processor=SimpleNamespace(merge_size=2, temporal_patch_size=2),
        video_token="<|video_pad|>",  # noqa: S106
        vision_start_token="<|vision_start|>",  # noqa: S106
        vision_end_token="<|vision_end|>",  # noqa: S106
    )
    processor._calculate_timestamps = Qwen3VLProcessor._calculate_timestamps.__get__(processor)
    inputs = {"video_grid_thw": torch.tensor([[groups, 4, 6]]), "video_metadata": [metadata]}
    expected = Qwen3VLProcessor.replace_video_token(processor, inputs, 0)
    video = Media("video", 64, 96, frames, tuple(index / 24.0 for index in indices), 31 / 24 / frames)
    assert builder._video_text(video) == expected


@pytest.mark.parametrize("family", FAMILIES)
def test_families_take_videos(family: str, tiny_checkpoints: dict[str, Path]) -> None:
    """Every Qwen-VL family has a video plan."""
    assert prompt_builder(tiny_checkpoints[family]).video_plan is not None
