"""Makes engines die of requests with the seed 666; Python runs it at the start of a process that finds it on its path."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import Any

DEADLY_SEED = 666


def arm() -> None:
    """Wait for the engine's module, then change how it takes requests."""
    while not hasattr(sys.modules.get("sightd.engine.core"), "Engine"):
        time.sleep(0.01)
    engine: Any = sys.modules["sightd.engine.core"].Engine
    submit = engine.submit

    def deadly(self: Any, request: Any, frames: Any) -> None:
        if request.sampling.seed == DEADLY_SEED:
            os.kill(os.getpid(), signal.SIGKILL)
        submit(self, request, frames)

    engine.submit = deadly


if "sightd.engine.process" in sys.orig_argv:
    threading.Thread(target=arm, daemon=True).start()
