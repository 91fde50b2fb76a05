"""SIGHUP: the configuration and the keys are read again, and what may change is taken over without a pause; an audit
log that was moved away is begun anew."""

from __future__ import annotations

from collections.abc import Callable

from . import logs
from .api.services import Services
from .audit import AuditLog
from .auth.exposure import refuse_exposure
from .config import ConfigError, Settings
from .config.live import Changeable, needing_restart

log = logs.get(__name__)


class Reloader:
    """`read` gives the present configuration, or raises ConfigError; then the old one stays in force, keys included."""

    def __init__(self, services: Services, read: Callable[[], Settings], audit: AuditLog | None) -> None:
        self._services = services
        self._read = read
        self._audit = audit

    def reload(self) -> None:
        """Read everything again; says in the log what came of it."""
        if self._audit is not None:
            self._audit.reopen()
        running = self._services.settings
        try:
            settings = self._read()
            refuse_exposure(running)
        except ConfigError as error:
            problems = [str(problem) for problem in error.problems]
            log.error("configuration not reloaded, the old one stays in force", problems=problems)
            return
        self._take(Changeable.of(settings))
        self._services.keys.reload()
        log.info("configuration reloaded")
        if waiting := needing_restart(running, settings):
            log.warning("some changed settings take a restart", settings=waiting)

    def _take(self, changed: Changeable) -> None:
        services, limits = self._services, changed.limits
        services.live.now = changed
        services.admission.resize(limits.concurrency, limits.queue)
        services.decoders.max_pixels = limits.image_pixels
        services.videos.limits = limits
        services.fetcher.max_bytes = limits.image_bytes
        services.video_fetcher.max_bytes = limits.video_bytes
        services.engines.set_log_level(changed.log_level)
        logs.set_level(changed.log_level)
