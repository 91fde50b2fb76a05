"""How fast an engine is on a device, against what the device could do: `python -m sightd.bench.device FOLDER`.

The engine runs in this process, without HTTP. Limits are measured in the same sitting: memory bandwidth by summing as
many bytes as the weights have, the matrix peak by one large product.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from ..config import Settings
from ..engine import process
from ..engine.core import Engine
from ..engine.protocol import Frames, Sampling, Submission
from ..models.checkpoint import CheckpointError
from ..models.families import PromptBuilder, prompt_builder
from ..models.prompt import Media
from ..models.weightsizes import SIGHT, tensors
from ..models.wholeness import weight_files

SIDE = 448
ANSWER = 64
ROUNDS = 5
numbers = itertools.count(1)


class Bench:
    """One engine and what is asked of it."""

    def __init__(self, folder: Path, device: str, dtype: str) -> None:
        settings = Settings()
        start = {
            "folder": str(folder),
            "device": device,
            "dtype": dtype,
            "quantization": "none",
            **settings.engine.model_dump(),
            "max_sequences": 128,
            "max_model_len": 4096,
            "cache_tokens": 128 * 1024,
            "encoder_cache_bytes": 0,
        }
        self.folder = folder
        self.device = torch.device(device)
        self.prompts: PromptBuilder = prompt_builder(folder)
        engine, self.info = process.build(start)
        if not isinstance(engine, Engine):
            raise CheckpointError(
                f"{folder} cannot be measured by itself: its requests take turns. Use sightctl bench."
            )
        self.engine = engine
        self.model_seconds = 0.0
        self.engine.runner.run = self._timed(self.engine.runner.run)  # type: ignore[assignment]

    def _timed(self, run: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """`run` with the time that it takes counted."""

        def timed(chunks: Any) -> Any:
            began = time.perf_counter()
            result = run(chunks)
            self.wait()
            self.model_seconds += time.perf_counter() - began
            return result

        return timed

    def wait(self) -> None:
        """Wait for what the device still does."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def submit(self, pictures: int, words: int, answer: int) -> None:
        """Queue a request about random pictures, with a prompt of about `words` words."""
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

    def _picture_size(self) -> tuple[int, int]:
        factor = int(self.prompts.picture_plan.numbers["factor"])
        most = int(self.prompts.picture_plan.numbers["max_pixels"] ** 0.5)
        side = min(SIDE, most) // factor * factor
        return side, side

    def steps(self) -> int:
        """Step until nothing is left. Returns the tokens that came."""
        tokens = 0
        while not self.engine.idle:
            tokens += sum(len(progress.tokens) for progress in self.engine.step())
        self.wait()
        return tokens

    def decode(self, sequences: int) -> tuple[float, float]:
        """Tokens a second with so many sequences at a time, and the share of the time that is not the model's."""
        for _ in range(sequences):
            self.submit(0, 8, ANSWER)
        while any(s.produced == 0 for s in (*self.engine.scheduler.running, *self.engine.scheduler.waiting)):
            self.engine.step()
        self.model_seconds, began = 0.0, time.perf_counter()
        tokens = self.steps()
        seconds = time.perf_counter() - began
        return tokens / seconds, 1 - self.model_seconds / seconds

    def prefill(self, words: int) -> float:
        """Prompt tokens a second."""
        self.submit(0, words, 1)
        length = len(self.engine.scheduler.waiting[0].request.token_ids)
        began = time.perf_counter()
        self.steps()
        return length / (time.perf_counter() - began)

    def encode(self, pictures: int) -> float:
        """Pictures a second through the vision encoder."""
        width = self._picture_size()
        frames = [torch.randint(0, 256, (1, *width, 3), dtype=torch.uint8) for _ in range(pictures)]
        encoder = self.engine.encoder
        for frame in frames:
            count = self.engine.runner.network.feature_count(*frame.shape[:3])
            medium = self.engine.media.get((b"", str(next(numbers)).encode()), frame, count)
            encoder.add(medium)
        began = time.perf_counter()
        encoder.work(float("inf"))
        self.wait()
        return pictures / (time.perf_counter() - began)


def read_for_a_token(folder: Path) -> int:
    """How many weights a text token is multiplied with: the language model's and the head's, which may be the
    embedding's."""
    shapes = [item for path in weight_files(folder) for item in tensors(path).items()]
    other = "embed_tokens" if any("lm_head" in name for name, _ in shapes) else "lm_head"
    return sum(prod(shape) for name, (_, shape) in shapes if not SIGHT.search(name) and other not in name)


def bandwidth(device: torch.device, size: int) -> float:
    """Bytes a second at which `size` bytes of memory are read."""
    data = torch.ones(size // 4, device=device)
    return size / best(lambda: data.sum().item())


def matrix_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large matrix product."""
    side = 8192 if device.type == "cuda" else 2048
    one, two = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))

    def product() -> float:
        return float((one @ two)[0, 0])

    return 2 * side**3 / best(product)


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest of some rounds."""
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times[1:])


def measure(bench: Bench) -> dict[str, float]:
    """Every figure by its name."""
    dtype = bench.engine.runner.network.cache_shape.dtype
    size = read_for_a_token(bench.folder) * dtype.itemsize
    limit, peak = bandwidth(bench.device, size), matrix_peak(bench.device, dtype)
    result = {"weights_gb": size / 1e9, "bandwidth_gb_s": limit / 1e9, "peak_tflop_s": peak / 1e12}
    bench.decode(1)
    for sequences in (1, 8, 32, 64):
        rate, overhead = bench.decode(sequences)
        result |= {f"decode_{sequences}_tokens_s": rate, f"decode_{sequences}_not_in_model": overhead}
    result["decode_1_of_bandwidth"] = result["decode_1_tokens_s"] * size / limit
    bench.prefill(200)
    result["prefill_tokens_s"] = bench.prefill(1000)
    result["prefill_of_peak"] = result["prefill_tokens_s"] * 2 * size / dtype.itemsize / peak
    bench.encode(1)
    result["encoder_pictures_s"] = bench.encode(8)
    return result


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure an engine against its device.")
    parser.add_argument("folder", type=Path, help="the checkpoint")
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    bench = Bench(options.folder, options.device, options.dtype)
    name = torch.cuda.get_device_name(bench.device) if bench.device.type == "cuda" else "CPU"
    table = Table("figure", f"{name}, {bench.info.dtype}, attention {bench.info.attention}")
    figures = measure(bench)
    for figure, value in figures.items():
        table.add_row(figure, f"{value:.4g}")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps({"device": name, **figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
