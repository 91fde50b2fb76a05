"""What the C library does with memory that is let go."""

from __future__ import annotations

import ctypes

# From malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3

LARGEST_KEPT = 256 * 1024 * 1024
"""Bytes of a block up to which it is kept for the next one when it is let go, and of all that may lie unused."""


def keep_freed_memory() -> None:
    """Keep memory that is let go for the next tensors. By itself the C library gives large blocks back to the system at
    once, which has to clear every page again for the next one: a fifth of the vision encoder's time."""
    library = ctypes.CDLL(None)
    # Other C libraries than GNU's may lack it.
    if hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        library.mallopt(M_TRIM_THRESHOLD, LARGEST_KEPT)
