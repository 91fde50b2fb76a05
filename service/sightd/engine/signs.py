"""When an engine last gave a sign of life, and when it last got on with its work."""

from __future__ import annotations

import time


class Signs:
    """Both times are monotonic seconds. A sign that says more than the one before is a step, too."""

    def __init__(self) -> None:
        self.last = self.step = time.monotonic()
        self._known: dict[str, object] = {}

    def came(self) -> None:
        """It said something."""
        self.last = time.monotonic()

    def got_on(self) -> None:
        """It did something, or was given something to do."""
        self.step = time.monotonic()

    def told(self, what: str, value: object) -> None:
        """It said how far it is: the share that is loaded, the steps so far, its state."""
        if self._known.get(what) != value:
            self._known[what] = value
            self.got_on()
