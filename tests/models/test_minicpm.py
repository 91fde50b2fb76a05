"""MiniCPM-V 2.6 and MiniCPM-o 2.6 as the original code computes them: pictures, prompts, features and answers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from sightd.engine.attention import fused
from sightd.engine.attention.hook import PackedStep
from sightd.engine.core import Engine
from sightd.models.loading import check_fit
from sightd.models.minicpm_v.frames import prepare
from sightd.models.minicpm_v.network import MiniCpmNetwork
from sightd.models.minicpm_v.settings import read_preprocessing
from sightd.models.minicpm_v.vision import Normalisation, positions
from torch import Tensor

from ..engine.requests import engine, finish, submit
from ..parity import ROOT, Case, cases, recorded, sha256

FULL = ("minicpm-v-2_6", "minicpm-o-2_6")
QUANTISED = "minicpm-v-2_6-int4"
TOLERANCE = 1e-4
HALF_LOGITS, HALF_FEATURES = 0.05, 0.005
"""What float16 may differ by."""

# Pillow warns that a palette's transparency is lost, which is what the original does.
pytestmark = pytest.mark.filterwarnings("ignore:Palette images with Transparency")

every_case = pytest.mark.parametrize("case", cases(*FULL, QUANTISED))
full_case = pytest.mark.parametrize("case", cases(*FULL))
quantised_case = pytest.mark.parametrize("case", cases(QUANTISED))


@cache
def running(checkpoint: Path, dtype: str = "float32") -> Engine:
    """An engine that the tests of a checkpoint share; it is idle between them."""
    return engine(checkpoint, dtype=dtype)


def network(checkpoint: Path, dtype: str = "float32") -> MiniCpmNetwork:
    """The network of that engine."""
    found = running(checkpoint, dtype).runner.network
    assert isinstance(found, MiniCpmNetwork)
    return found


def without_beams(case: Case) -> None:
    """Skip a case whose tokens were found by beam search, which sightd does not do."""
    if case.beams > 1:
        pytest.skip(f"{case}: the original searched with {case.beams} beams")


def slices(case: Case) -> Iterator[np.ndarray]:
    """Every frame and slice of the case's pictures in the original's order, uint8 [height, width, 3]."""
    plan = case.plan(case.builder)
    for picture in case.pictures:
        for part in prepare(picture, plan.numbers).parts:
            yield from part


@pytest.mark.parametrize("kind", [*FULL, QUANTISED])
def test_headers(kind: str) -> None:
    """The recorded checkpoints are found to fit by their headers alone, four-bit weights included."""
    folder = ROOT / kind / "checkpoint"
    if not folder.exists():
        pytest.skip(f"no recorded answers of the original in {ROOT}")
    assert check_fit(folder) == "minicpm_v"


@every_case
def test_slices(case: Case) -> None:
    """Pictures are resized and sliced to the same pixels, in the same grid."""
    plan = case.plan(case.builder)
    for picture, expected in zip(case.pictures, case.expected["images"], strict=True):
        prepared = prepare(picture, plan.numbers)
        found = [(list(s.shape[1::-1]), sha256(s)) for part in prepared.parts for s in part]
        assert found == [(s["size_wh"], s["rgb_sha256"]) for s in expected["slices"]]
        assert list(prepared.grid) == (expected["grid_cols_rows"] or [0, 0])


@every_case
def test_pixels(case: Case) -> None:
    """The normalised patches are the same to the last bit."""
    numbers = read_preprocessing(case.checkpoint)
    normalisation = Normalisation(numbers.mean, numbers.std, numbers.patch)
    for pixels, expected in zip(slices(case), case.expected["pixel_values"], strict=True):
        patches = normalisation.patches(torch.from_numpy(pixels.copy())[None])
        strip = patches.view(-1, 3, numbers.patch, numbers.patch).permute(1, 2, 0, 3).flatten(2)
        assert sha256(strip.numpy()) == expected["sha256"]


@every_case
def test_prompt(case: Case) -> None:
    """The prompt has the same token ids, and pictures the same places in it."""
    prompt = case.question().prompt
    assert prompt.token_ids == case.expected["input_ids"]
    assert [[span.first, span.first + span.length] for span in prompt.spans] == case.expected["image_bound"]


@full_case
def test_position_ids(case: Case) -> None:
    """Patches of every size take the same learned places."""
    for size, expected in zip(case.expected["tgt_sizes"], case.expected.get("vision", []), strict=True):
        assert sha256(positions(*size, 70).numpy()) == expected["position_ids"]["sha256_int64"]


@full_case
@torch.inference_mode()
def test_encoder(case: Case) -> None:
    """SigLIP's states of all slices, packed in one row, are those of the original's padded batch."""
    loaded = network(case.checkpoint)
    pixels = [torch.from_numpy(s.copy())[None] for s in slices(case)]
    if not pixels:
        return
    patches = torch.cat([loaded._normalisation.patches(p) for p in pixels])
    sizes = [tuple(size) for size in case.expected["tgt_sizes"]]
    hidden = loaded.module.vpm(patches, sizes, PackedStep(fused)).split([r * c for r, c in sizes])
    for found, expected in zip(hidden, case.expected["vision"], strict=True):
        assert_summary(found, expected["vpm_last_hidden_state"], TOLERANCE)


@every_case
def test_features(case: Case) -> None:
    """The resampler's rows are the original's, wherever a slice stands among a picture's media."""
    assert_features(case, "float32", case.expected.get("vision", []), TOLERANCE)


@quantised_case
def test_features_in_half_precision(case: Case) -> None:
    """A quantised checkpoint in float16 gives the features that the original gives in float16."""
    assert_features(case, "float16", case.content["expected_fp16_compute"].get("vision", []), HALF_FEATURES)


@torch.inference_mode()
def assert_features(case: Case, dtype: str, expected: list[dict[str, object]], most: float) -> None:
    """Encode the case's media as the engine does and compare the features at every span."""
    asked = case.question()
    if not asked.frames:
        return
    media = network(case.checkpoint, dtype).encode(
        [torch.from_numpy(f.copy()) for f in asked.frames], PackedStep(fused)
    )
    for span, summary in zip(asked.prompt.spans, expected, strict=True):
        found = media[span.media][span.offset : span.offset + span.length].float()
        assert_summary(found, summary.get("resampler_output", summary), most)


def assert_summary(found: Tensor, expected: object, most: float) -> None:
    """Compare rows [rows, width] with what was recorded of them."""
    assert isinstance(expected, dict)
    assert list(found.shape) == expected["shape"]
    for row, name in ((0, "first_row8"), (-1, "last_row8")):
        assert (found[row, :8] - torch.tensor(expected[name])).abs().max() <= most
    assert float(found.mean()) == pytest.approx(expected["mean"], abs=most)
    assert float(found.std(correction=0)) == pytest.approx(expected["std"], abs=most)


@cache
def answer(case: Case, dtype: str = "float32") -> tuple[list[int], Tensor]:
    """The engine's tokens, and the logits of the first of them before any penalty."""
    engine = running(case.checkpoint, dtype)
    logits: list[Tensor] = []
    run = engine.runner.run
    engine.runner.run = lambda chunks: noted(logits, run(chunks))  # type: ignore[method-assign]
    try:
        number = submit(engine, case.question(), case.sampling)
        return finish(engine)[number], logits[0]
    finally:
        engine.runner.run = run  # type: ignore[method-assign]


def noted(logits: list[Tensor], brought: Tensor) -> Tensor:
    """Keep a copy of each row of logits."""
    logits.extend(brought.clone())
    return brought


def assert_logits(found: Tensor, expected: dict[str, object], most: float) -> None:
    """Compare logits [vocabulary] with what was recorded of them."""
    assert len(found) == expected["size"]
    assert found.topk(20).values.tolist() == pytest.approx(expected["top20_values"], abs=most)
    assert found[expected["top20_ids"]].tolist() == pytest.approx(expected["top20_values"], abs=most)
    assert float(found.mean()) == pytest.approx(expected["mean"], abs=most)
    assert float(found.std(correction=0)) == pytest.approx(expected["std"], abs=most)


@every_case
def test_first_logits(case: Case) -> None:
    """The logits of the answer's first token are the original's."""
    assert_logits(answer(case)[1], case.expected["first_logits"], TOLERANCE)


@every_case
def test_greedy(case: Case) -> None:
    """A request by itself gets the original's greedy tokens."""
    without_beams(case)
    assert answer(case)[0] == case.expected["generated_ids"]


@quantised_case
def test_greedy_in_half_precision(case: Case) -> None:
    """A quantised checkpoint in its own float16 gets the tokens and nearly the logits of the original's float16."""
    expected = case.content["expected_fp16_compute"]
    tokens, logits = answer(case, "auto")
    assert tokens == expected["generated_ids"]
    assert_logits(logits, expected["first_logits"], HALF_LOGITS)


@pytest.mark.parametrize("kind", [*FULL, QUANTISED])
def test_in_a_crowd(kind: str) -> None:
    """All requests at once, with prompts in small chunks and an encoder that pauses, get the same tokens."""
    together = [case for case in recorded(kind) if case.beams == 1]
    if not together:
        pytest.skip(f"no recorded answers of the original in {ROOT}")
    crowd = engine(together[0].checkpoint, dtype="float32", max_batch_tokens=64)
    work = crowd.encoder.work
    crowd.encoder.work = lambda _: work(0.0)  # type: ignore[method-assign]
    expected = {submit(crowd, case.question(), case.sampling): case.expected["generated_ids"] for case in together}
    assert finish(crowd) == expected
