"""The keys in force, and who a presented key belongs to."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from pathlib import Path

from .. import logs
from ..errors import Forbidden, Unauthorized
from .keys import Key, KeysError, digest, load
from .usage import Usage

log = logs.get(__name__)


class KeyRing:
    """Keys from a file; `reload` takes the file's present content, or keeps what was when that is broken. Without
    `required` everybody may call, and keys are not looked at."""

    def __init__(self, path: Path, required: bool) -> None:
        self._path = path
        self._required = required
        self._usages: list[Usage] = []
        if required:
            self._take(load(path).keys)

    @property
    def required(self) -> bool:
        """Whether a caller must show a key: where keys are used and there are any."""
        return self._required and bool(self._usages)

    def reload(self) -> None:
        """Read the file again."""
        if not self._required:
            return
        try:
            self._take(load(self._path).keys)
        except KeysError as error:
            log.error("keys not reloaded, the old ones stay in force", reason=str(error))
            return
        log.info("keys reloaded", keys=len(self._usages))

    def _take(self, keys: list[Key]) -> None:
        known = {usage.key: usage for usage in self._usages}
        self._usages = [known.get(key) or Usage(key) for key in keys]

    def caller(self, presented: str | None, path: str) -> Usage:
        """Whose key it is. Raises Unauthorized for a missing, unknown or expired key, Forbidden for an endpoint that it
        may not call. Every key is compared in constant time."""
        if not presented:
            raise Unauthorized("Send your key in the header Authorization: Bearer KEY.", "请在请求头中提供密钥。")
        hashed = digest(presented)
        found = [usage for usage in self._usages if hmac.compare_digest(usage.key.sha256, hashed)]
        if not found:
            raise Unauthorized("The key is not known here. Ask the operator for one.", "密钥无效，请联系管理员。")
        if found[0].key.expired(datetime.now(UTC)):
            raise Unauthorized("The key has expired. Ask the operator for a new one.", "密钥已过期，请联系管理员。")
        if not found[0].key.allows(path):
            raise Forbidden("The key may not call this endpoint.", "该密钥无权调用此接口。")
        return found[0]
