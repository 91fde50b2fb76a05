"""Pictures and videos that were in the vision encoder when an engine died.

After a death, whatever was being encoded is suspected, and encoded by itself the next time. A medium that is alone in
the encoder when the engine dies again is refused from then on; one that passes is free of suspicion.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from .. import logs
from ..errors import Unprocessable

MOST_DEATHS = 2

log = logs.get(__name__)


class Quarantine:
    """Counts deaths by content digest; shared by all engines."""

    def __init__(self) -> None:
        self._deaths: Counter[bytes] = Counter()

    def blame(self, digests: Sequence[bytes]) -> None:
        """An engine died with these in its encoder. Only one that was alone there can become guilty."""
        for digest in digests:
            guilty = len(digests) == 1
            self._deaths[digest] = min(MOST_DEATHS, self._deaths[digest] + 1) if guilty else 1
            if self._deaths[digest] == MOST_DEATHS:
                log.warning("picture quarantined", digest=digest.hex())

    def absolve(self, digests: Iterable[bytes]) -> None:
        """These have been encoded."""
        for digest in digests:
            self._deaths.pop(digest, None)

    def suspects(self, digest: bytes) -> bool:
        """Whether the medium is to be encoded alone."""
        return digest in self._deaths

    def check(self, digests: Iterable[bytes]) -> None:
        """Raises Unprocessable when one of these is refused."""
        if any(self._deaths.get(digest, 0) >= MOST_DEATHS for digest in digests):
            raise Unprocessable(
                "One of the pictures or videos made the engine fail twice and is not tried again. Send another one.",
                "其中一个图片或视频两次导致模型引擎故障，不再处理，请更换。",
                code="quarantined_image",
            )
