"""Random numbers that depend on (seed, position) alone, so that an answer is the same alone or in a crowd, before or
after a restart. SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def uniform(seeds: NDArray[np.uint64], positions: NDArray[np.uint64]) -> NDArray[np.float64]:
    """One number in [0, 1) for every (seed, position)."""
    with np.errstate(over="ignore"):
        state = mixed(seeds + GOLDEN) + positions * GOLDEN
        return (mixed(state) >> np.uint64(11)).astype(np.float64) * 2.0**-53
