"""What systemd is told while the service runs: readiness, what is being done, signs of progress for its watchdog."""

from __future__ import annotations

import asyncio
import time

from . import logs
from .api.admission import Admission
from .clock import Clock
from .ending import Ending
from .engine.pool import EnginePool
from .host import MICROSECONDS, Notifier

TICK_SECONDS = 1.0
EXTENSION_SECONDS = 60.0
"""Each sign of progress before readiness lets the start take so much longer."""

log = logs.get(__name__)


class Reporter:
    """Looks at the engines once a second. Every engine that has not given up must have got on since the last sign to
    the watchdog, or there is none: systemd ends the service when signs stay out for WatchdogSec."""

    def __init__(self, notifier: Notifier, engines: EnginePool, admission: Admission, ending: Ending) -> None:
        self._notifier = notifier
        self._engines = engines
        self._admission = admission
        self._ending = ending
        self._status = ""
        self._ready = False
        # The start itself is the first sign: a model that loads within a second may bring no other before it is ready.
        self._last_sign = 0.0
        self._clock = Clock()

    async def run(self) -> None:
        """Report until cancelled."""
        while self._notifier.listened_to:
            self.report()
            await asyncio.sleep(TICK_SECONDS)

    def report(self) -> None:
        """Say what has changed."""
        if seconds := self._clock.jumped():
            # Nothing here waits by the clock of the day, but keys expire by it and every time in a log has a step.
            log.warning("the machine's clock was set", seconds=round(seconds))
        if self._engines.failed and self._ending.begin(self._engines.why_not_ready()):
            log.critical("every engine has given up, the service ends", reason=self._ending.failure)
        if (status := self._sentence()) != self._status:
            self._status = status
            self._notifier.say(STATUS=status)
        if self._engines.ready and not self._ready:
            self._ready = True
            self._notifier.say(READY=1)
        if self._engines.last_progress > self._last_sign:
            self._last_sign = time.monotonic()
            self._notifier.say(WATCHDOG=1)
            if not self._ready:
                self._notifier.say(EXTEND_TIMEOUT_USEC=int(EXTENSION_SECONDS * MICROSECONDS))

    def _sentence(self) -> str:
        if self._ending.failure:
            return self._ending.failure
        if self._ending.began is not None:
            return f"Stopping: {self._ending.under_way} requests are still under way."
        if not self._engines.ready:
            return self._engines.why_not_ready()
        lame = [f"{e.name} is {e.state}" for e in self._engines.engines if e.state not in ("ready", "unloaded")]
        load = f"{self._admission.running} requests are worked on, {self._admission.waiting} wait"
        return "; ".join([f"Ready: {load}", *lame]) + "."
