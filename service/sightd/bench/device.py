"""How fast an engine is on a device, against what the device could do: `python -m sightd.bench.device FOLDER`.

The engine runs in this process, without HTTP. Limits are measured in the same sitting: memory bandwidth by summing the
same weights one after another, in turn with decoding, the matrix peak by one large product. `--make 8b` writes a random
checkpoint of that size into the folder first.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from .checkpoint import SIZES, make
from .limits import Weights, matrix_peak, text_weights
from .subject import Subject

AT_ONCE = (1, 8, 32, 64)
LONG_ANSWER, SHORT_ANSWER = 384, 128
"""Tokens of an answer on a card and on a CPU."""
SECONDS = 480.0
"""When so many seconds are over, what has not been measured is left out."""

Figures = dict[str, float]
Stage = tuple[str, Callable[[], Figures]]


class Progress:
    """Says what is being done, and when it began."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    def say(self, what: str) -> None:
        """A line with the time."""
        self._console.print(f"[{self.seconds:5.0f} s] {what}", markup=False, highlight=False)


class Measuring:
    """The stages of the measurement of one subject, in order."""

    def __init__(self, subject: Subject, folder: Path) -> None:
        self._subject = subject
        self._dtype = subject.engine.runner.network.cache_shape.dtype
        layers, head = text_weights(folder)
        self._layers = sum(layers)
        sizes = [count * self._dtype.itemsize for count in (*layers, *head)]
        self._bytes = sum(sizes)
        self._weights = Weights(subject.engine.runner.network.module, subject.device, sizes)
        self._on_card = subject.device.type == "cuda"
        self._answer = LONG_ANSWER if self._on_card else SHORT_ANSWER
        self._peak = float("nan")

    def stages(self) -> Iterator[Stage]:
        """What is measured, each with what it is called."""
        yield "limits: memory bandwidth, matrix peak", self._limits
        for sequences in AT_ONCE:
            yield f"decoding, {sequences} at a time", lambda n=sequences: self._decoding(n, f"decode_{n}")  # type: ignore[misc]
        yield "prefill", self._prefill
        yield "vision encoder", self._encoder
        if self._subject.engine.runner.decoding is not None:
            for sequences in AT_ONCE:
                yield f"decoding without graphs, {sequences} at a time", lambda n=sequences: self._eager(n)  # type: ignore[misc]

    def _limits(self) -> Figures:
        limit = self._weights.bandwidth()
        self._peak = matrix_peak(self._subject.device, self._dtype)
        return {"weights_gb": self._bytes / 1e9, "bandwidth_gb_s": limit / 1e9, "peak_tflop_s": self._peak / 1e12}

    def _decoding(self, sequences: int, name: str) -> Figures:
        """Of the bandwidth: how often the weights were read in a second, against how often they could be, measured in
        turn every few steps, since a shared machine is slower at times. Medians."""
        limits: list[float] = []
        self._subject.decode(sequences, 4)
        rates = self._subject.decode(sequences, self._answer, lambda: limits.append(self._weights.bandwidth()))
        shares = [rate * self._bytes / sequences / limit for rate, limit in zip(rates, limits, strict=True)]
        return {
            f"{name}_tokens_s": median(rates),
            f"{name}_of_bandwidth": median(shares),
            f"{name}_not_in_model": self._subject.outside_the_model(sequences, self._answer // 4),
        }

    def _eager(self, sequences: int) -> Figures:
        runner = self._subject.engine.runner
        kept, runner.decoding = runner.decoding, None
        try:
            return self._decoding(sequences, f"eager_decode_{sequences}")
        finally:
            runner.decoding = kept

    def _prefill(self) -> Figures:
        """Of the peak: the products with the weights of the layers; attention's and the head's are not counted."""
        prompts, words = (8, 1000) if self._on_card else (1, 1000)
        self._subject.prefill(prompts, words if self._on_card else words // 5)
        rate = self._subject.prefill(prompts, words)
        return {"prefill_tokens_s": rate, "prefill_of_peak": rate * 2 * self._layers / self._peak}

    def _encoder(self) -> Figures:
        pictures = 64 if self._on_card else 8
        self._subject.encode(pictures if self._on_card else 1)
        return {"encoder_pictures_s": self._subject.encode(pictures)}


def described(subject: Subject) -> dict[str, Any]:
    """What was measured, and where and when."""
    on_card = subject.device.type == "cuda"
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "device": torch.cuda.get_device_name(subject.device) if on_card else "CPU",
        "torch": torch.__version__,
        "dtype": subject.info.dtype,
        "parameters": subject.info.parameters,
        "attention": subject.info.attention,
        "decoding": subject.info.decoding,
        "load_seconds": subject.info.load_seconds,
    }


def loaded(folder: Path, device: str, dtype: str, progress: Progress) -> Subject:
    """An engine with the checkpoint, each further tenth told."""
    told = [0]

    def tell(share: float) -> None:
        if int(10 * share) > told[0]:
            told[0] = int(10 * share)
            progress.say(f"  {share:.0%} of the weights")

    return Subject(folder, device, dtype, tell)


def run(options: argparse.Namespace) -> tuple[dict[str, Any], Figures]:
    """Make the checkpoint where that is wanted, load it and measure."""
    progress = Progress()
    if options.make and not (options.folder / "config.json").exists():
        progress.say(f"making a random checkpoint, {options.make}")
        make(options.make, options.folder)
    progress.say(f"loading {options.folder} on {options.device}")
    subject = loaded(options.folder, options.device, options.dtype, progress)
    figures: Figures = {}
    progress.say(f"decoding: {subject.info.decoding}; attention: {subject.info.attention}")
    for name, stage in Measuring(subject, options.folder).stages():
        if progress.seconds > SECONDS:
            progress.say(f"left out, since {SECONDS:.0f} s are over: {name}")
            continue
        progress.say(name)
        figures |= stage()
    progress.say("done")
    return described(subject) | {"seconds": round(progress.seconds)}, figures


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure an engine against its device.")
    parser.add_argument("folder", type=Path, help="the checkpoint")
    parser.add_argument("--make", choices=SIZES, help="write a random one of this size, unless there is one")
    parser.add_argument("--device", default="cuda:0" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    what, figures = run(options)
    table = Table("figure", "value", title=", ".join(f"{key} {value}" for key, value in what.items()))
    for figure, value in figures.items():
        table.add_row(figure, f"{value:.4g}")
    Console().print(table)
    if options.json:
        options.json.write_text(json.dumps(what | figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
