"""Pictures and videos that were in the vision encoder when an engine died, and requests that engines died of.

After a death, whatever was being encoded is suspected, and encoded by itself the next time. A medium that is alone in
the encoder when the engine dies again is refused from then on; one that passes is free of suspicion.
`sightd.engine.pending` finds the requests.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence

from .. import logs
from ..errors import Unprocessable
from .protocol import Submission

MOST_DEATHS = 2
REMEMBERED = 1000
"""Requests that are refused at once when they come again."""

log = logs.get(__name__)


class Quarantine:
    """Counts deaths by content digest; shared by all engines."""

    def __init__(self) -> None:
        self._deaths: Counter[bytes] = Counter()
        self._requests: OrderedDict[bytes, None] = OrderedDict()

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

    def condemn(self, request: Submission) -> None:
        """Engines die of this request."""
        log.warning("request quarantined", tokens=len(request.token_ids), media=len(request.media))
        self._requests[request.name] = None
        while len(self._requests) > REMEMBERED:
            self._requests.popitem(last=False)

    def check(self, request: Submission) -> None:
        """Raises Unprocessable when the request or one of its media is refused."""
        if self._requests and request.name in self._requests:
            raise Unprocessable(
                "The engine failed again and again on this request, which is not tried any more. Change the request.",
                "该请求多次导致模型引擎故障，不再处理，请修改后重试。",
                code="quarantined_request",
            )
        if any(self._deaths.get(digest, 0) >= MOST_DEATHS for digest in request.digests):
            raise Unprocessable(
                "One of the pictures or videos made the engine fail twice and is not tried again. Send another one.",
                "其中一个图片或视频两次导致模型引擎故障，不再处理，请更换。",
                code="quarantined_image",
            )
