"""An engine in this process, and work for it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from ..config import Settings
from ..engine import process
from ..engine.core import Engine
from ..engine.protocol import Frames, Sampling, Submission
from ..engine.scheduler import Chunk
from ..models.checkpoint import CheckpointError
from ..models.families import PromptBuilder, prompt_builder
from ..models.prompt import Media

SIDE = 448
MOST_SEQUENCES, MOST_LENGTH = 64, 4096
CACHE_TOKENS = {"cpu": 32 * 1024, "cuda": 96 * 1024}
TURN = 8
"""Steps of decoding that are timed together."""
numbers = itertools.count(1)


class Subject:
    """One engine and what is asked of it. `on_progress` is told the share of the weights that is loaded."""

    def __init__(self, folder: Path, device: str, dtype: str, on_progress: Callable[[float], None]) -> None:
        self.device = torch.device(device)
        start = {
            **Settings().engine.model_dump(),
            "folder": str(folder),
            "device": device,
            "dtype": dtype,
            "quantization": "none",
            "max_sequences": MOST_SEQUENCES,
            "max_model_len": MOST_LENGTH,
            "cache_tokens": CACHE_TOKENS[self.device.type],
            "encoder_cache_bytes": 0,
        }
        self.prompts: PromptBuilder = prompt_builder(folder)
        engine, self.info = process.build(start, on_progress)
        if not isinstance(engine, Engine):
            raise CheckpointError(
                f"{folder} cannot be measured by itself: its requests take turns. Use sightctl bench."
            )
        self.engine = engine
        self._model_seconds = self._decode_seconds = 0.0

    def _timed(self, run: Callable[[list[Chunk]], Tensor]) -> Callable[[list[Chunk]], Tensor]:
        """`run` with the time that it takes counted."""

        def timed(chunks: list[Chunk]) -> Tensor:
            began = time.perf_counter()
            result = run(chunks)
            self.wait()
            self._model_seconds += time.perf_counter() - began
            return result

        return timed

    def wait(self) -> None:
        """Wait for what the device still does."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def submit(self, pictures: int, words: int, answer: int) -> int:
        """Queue a request about random pictures, with a prompt of about `words` words. Returns the prompt's tokens."""
        text = " ".join(str(number % 10) for number in range(words)) or "?"
        size = self._picture_size()
        content = [*({"type": "image"} for _ in range(pictures)), {"type": "text", "text": text}]
        prompt = self.prompts.build([{"role": "user", "content": content}], [Media("image", *size)] * pictures)
        frames = [torch.randint(0, 256, (1, *size, 3), dtype=torch.uint8) for _ in range(pictures)]
        media = [Frames(f"{next(numbers)}".encode(), *f.shape[:3]) for f in frames]
        sampling = Sampling(answer, ignore_eos=True)
        salt = str(next(numbers)).encode()
        self.engine.submit(
            Submission(next(numbers), prompt.token_ids, sampling, prompt.spans, media, salt=salt), frames
        )
        return len(prompt.token_ids)

    def _picture_size(self) -> tuple[int, int]:
        factor = int(self.prompts.picture_plan.numbers["factor"])
        most = int(self.prompts.picture_plan.numbers["max_pixels"] ** 0.5)
        side = min(SIDE, most) // factor * factor
        return side, side

    def steps(self, most: float = float("inf")) -> int:
        """Step until nothing is left, or so often at most. Returns the tokens that came."""
        tokens = done = 0
        while done < most and not self.engine.idle:
            tokens += sum(len(progress.tokens) for progress in self.engine.step())
            done += 1
        self.wait()
        return tokens

    def decode(self, sequences: int, answer: int, between: Callable[[], object] = lambda: None) -> list[float]:
        """Tokens a second with so many sequences at a time, of answers of `answer` tokens, in turns of some steps each,
        with what is to be done `between` them."""
        for _ in range(sequences):
            self.submit(0, 8, answer)
        while any(s.produced == 0 for s in (*self.engine.scheduler.running, *self.engine.scheduler.waiting)):
            self.engine.step()
        rates = []
        self._model_seconds = self._decode_seconds = 0.0
        while not self.engine.idle:
            between()
            began = time.perf_counter()
            tokens = self.steps(TURN)
            seconds = time.perf_counter() - began
            self._decode_seconds += seconds
            rates.append(tokens / seconds)
        return rates

    def outside_the_model(self, sequences: int, answer: int) -> float:
        """The share of decoding's time that is not the model's."""
        runner = self.engine.runner
        run = runner.run
        runner.run = self._timed(run)  # type: ignore[method-assign, assignment]
        self.decode(sequences, answer)
        runner.run = run  # type: ignore[method-assign]
        return 1 - self._model_seconds / self._decode_seconds

    def prefill(self, prompts: int, words: int) -> float:
        """Prompt tokens a second with so many prompts of about `words` words at once."""
        length = sum(self.submit(0, words, 1) for _ in range(prompts))
        began = time.perf_counter()
        self.steps()
        return length / (time.perf_counter() - began)

    def encode(self, pictures: int) -> float:
        """Pictures a second through the vision encoder."""
        size = self._picture_size()
        encoder, network = self.engine.encoder, self.engine.runner.network
        for _ in range(pictures):
            frame = torch.randint(0, 256, (1, *size, 3), dtype=torch.uint8)
            count = network.feature_count(*frame.shape[:3])
            encoder.add(self.engine.media.get((b"", str(next(numbers)).encode()), frame, count))
        began = time.perf_counter()
        encoder.work(float("inf"))
        self.wait()
        return pictures / (time.perf_counter() - began)
