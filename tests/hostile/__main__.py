"""`make hostile`: the load for some minutes against a sightd of its own, its figures, and whether they are good."""

from __future__ import annotations

import statistics

from ..measuring import Figures, measured
from ..server import Server
from .load import PLACES, Load, Outcome

SLOWER, MEMORY = 2.0, 0.05
"""How much longer the slow good requests may take under attack, and how much of its memory the service may keep."""


def p95(seconds: list[float]) -> float:
    """What 95 of 100 requests stay under."""
    return statistics.quantiles(seconds, n=20)[-1]


def figures(outcome: Outcome) -> Figures:
    """The lines of the report, and the rules that were broken."""
    before, after = outcome.before, outcome.after
    assert before is not None
    assert after is not None
    slower = p95(outcome.under_attack) / p95(outcome.quiet)
    kept = after.memory / before.memory - 1
    lines = [
        f"{len(outcome.quiet)} good requests, {PLACES // 2} at a time, quiet: p95 {p95(outcome.quiet):.2f} s",
        (
            f"{len(outcome.under_attack)} good requests beside {outcome.attacks} hostile ones: "
            f"p95 {p95(outcome.under_attack):.2f} s ({slower:.2f} times)"
        ),
        f"wrong answers: {len(outcome.wrong)}; attacks answered unexpectedly: {len(outcome.unexpected)}",
        f"resident memory: {before.memory / 2**20:.0f} MiB before, {after.memory / 2**20:.0f} MiB after ({kept:+.1%})",
        (
            f"descriptors: {before.descriptors} before, {after.descriptors} after; "
            f"processes: {before.processes} before, {after.processes} after"
        ),
    ]
    broken = [*dict.fromkeys(outcome.wrong), *dict.fromkeys(outcome.unexpected)]
    broken += ["good requests are too slow"] if slower > SLOWER else []
    broken += ["memory is kept"] if kept > MEMORY else []
    broken += ["descriptors are left open"] if after.descriptors > before.descriptors else []
    broken += ["processes are left over"] if after.processes != before.processes else []
    return lines, broken


async def measure(server: Server, seconds: float) -> Figures:
    """Put the load on a server."""
    return figures(await Load(server.url, server.process.pid).run(seconds))


if __name__ == "__main__":
    measured("make hostile", 3.0, measure)
