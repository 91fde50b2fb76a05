"""The decoders against pictures that were changed at random."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from sightd.config.media import Media
from sightd.errors import BadRequest, Unprocessable
from sightd.media.decoders import PictureDecoders
from sightd.models.families import PicturePlan

from ..waiting import until
from .corpus import FILES, PICTURES

PLANS = [
    PicturePlan("qwen_vl", {"factor": 32, "min_pixels": 1024, "max_pixels": 1 << 16}, (128, 128)),
    PicturePlan("minicpm_v", {"max_slice_nums": 4, "scale_resolution": 448, "patch_size": 14}, (448, 448)),
]
MOST_PIXELS = 1 << 20


class Pool:
    """A decoder pool for one family, with a loop of its own."""

    def __init__(self, plan: PicturePlan) -> None:
        self._plan = plan
        self._runner = asyncio.Runner()
        self._runner.run(self._start())

    async def _start(self) -> None:
        self.pool = PictureDecoders(Media(decoders=1, decode_seconds=10), MOST_PIXELS, self._plan.family)
        self.pool.start()

    def wait(self) -> None:
        """Until its process is up."""
        until(lambda: self._runner.run(asyncio.sleep(0.01)) or self.pool.state.idle == 1, 60, "an idle decoder")

    def decode(self, data: bytes) -> list[tuple[int, int, int]]:
        """(frames, height, width) of each part. Raises as PictureDecoders.decode."""
        decoded = self._runner.run(self.pool.decode(data, self._plan))
        shapes = [(part.frames, part.height, part.width) for part in decoded.parts]
        decoded.close()
        return shapes

    def close(self) -> None:
        """End it."""
        self._runner.run(self._stop())
        self._runner.close()

    async def _stop(self) -> None:
        self.pool.close()


@pytest.fixture(scope="module", params=PLANS, ids=lambda plan: plan.family)
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """One pool for all examples of a family."""
    made = Pool(request.param)
    made.wait()
    yield made
    made.close()


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_corpus_is_right(pool: Pool, name: str) -> None:
    """What fuzzing starts from is decoded."""
    assert pool.decode(FILES[name])


@given(data=PICTURES)
def test_changed_pictures(pool: Pool, data: bytes) -> None:
    """A changed picture is decoded or refused with a sentence, and no decoder dies or hangs of it."""
    try:
        shapes = pool.decode(data)
    except (BadRequest, Unprocessable):
        shapes = []
    assert all(min(sizes) > 0 for sizes in shapes)
    assert (pool.pool.state.counts.deaths, pool.pool.state.counts.timeouts) == (0, 0)
