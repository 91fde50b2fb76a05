"""Figures of a run: percentiles of times, and throughput."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
from rich.table import Table

from .load import Outcome

PERCENTILES = (50, 90, 99)


@dataclass(frozen=True)
class Figures:
    """One run. Times are seconds, each at the 50th, 90th and 99th percentile."""

    name: str
    requests: int
    failed: int
    seconds: float
    tokens_per_second: float
    requests_per_second: float
    first_token: tuple[float, ...]
    between_tokens: tuple[float, ...]
    whole_answer: tuple[float, ...]
    errors: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """For a file."""
        return asdict(self)


def figures(name: str, outcomes: list[Outcome]) -> Figures:
    """The figures of a run; failed requests count as failed and for nothing else."""
    good = [o for o in outcomes if o.error is None]
    seconds = max(o.ended for o in outcomes) - min(o.sent for o in outcomes)
    return Figures(
        name=name,
        requests=len(outcomes),
        failed=len(outcomes) - len(good),
        seconds=round(seconds, 3),
        tokens_per_second=round(sum(o.tokens for o in good) / seconds, 2),
        requests_per_second=round(len(good) / seconds, 3),
        first_token=percentiles([o.pieces[0] - o.sent for o in good if o.pieces]),
        between_tokens=percentiles([b - a for o in good for a, b in pairwise(o.pieces)]),
        whole_answer=percentiles([o.ended - o.sent for o in good]),
        errors=tuple(sorted({o.error for o in outcomes if o.error})[:5]),
    )


def percentiles(values: list[float]) -> tuple[float, ...]:
    """The percentiles of some seconds; empty when there are none."""
    return tuple(round(float(p), 4) for p in np.percentile(values, PERCENTILES)) if values else ()


def table(rows: list[Figures]) -> Table:
    """All runs for people."""
    shown = Table(title="seconds at the 50th / 90th / 99th percentile")
    for column in ("load", "requests", "failed", "tokens/s", "requests/s", "first token", "between tokens", "answer"):
        shown.add_column(column, justify="left" if column == "load" else "right")
    for row in rows:
        times = (
            " / ".join(f"{t:.3f}" for t in x) or "-" for x in (row.first_token, row.between_tokens, row.whole_answer)
        )
        counts = (row.requests, row.failed, row.tokens_per_second, row.requests_per_second)
        shown.add_row(row.name, *map(str, counts), *times)
    return shown
