"""What an answer consists of in the responses API: messages and calls, as they come and as a whole."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from .. import connection
from ..toolcalls import CallDelta, Delta


class Stream:
    """Numbers the events of a stream."""

    def __init__(self) -> None:
        self._number = -1

    def event(self, kind: str, **fields: Any) -> bytes:
        """One server-sent event."""
        self._number += 1
        return connection.event({"type": kind, "sequence_number": self._number, **fields}, kind)


class Output:
    """The items of an answer, built from deltas: one is open at a time. `items` holds the finished ones."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._open: dict[str, Any] | None = None
        self.items: list[dict[str, Any]] = []

    def add(self, delta: Delta) -> Iterator[bytes]:
        """The events of some text or of some of a call."""
        if isinstance(delta, CallDelta):
            yield from self._add_call(delta)
            return
        if self._open is None or self._open["type"] != "message":
            yield from self.close()
            yield from self._begin_message()
        assert self._open is not None
        self._open["content"][0]["text"] += delta
        yield self._event("response.output_text.delta", content_index=0, delta=delta, logprobs=[])

    def close(self, status: str = "completed") -> Iterator[bytes]:
        """End the open item."""
        item, self._open = self._open, None
        if item is None:
            return
        item["status"] = status
        place = {"item_id": item["id"], "output_index": len(self.items)}
        if item["type"] == "message":
            part = item["content"][0]
            yield self._stream.event(
                "response.output_text.done", **place, content_index=0, text=part["text"], logprobs=[]
            )
            yield self._stream.event("response.content_part.done", **place, content_index=0, part=part)
        else:
            done = {"arguments": item["arguments"], "name": item["name"]}
            yield self._stream.event("response.function_call_arguments.done", **place, **done)
        yield self._stream.event("response.output_item.done", output_index=len(self.items), item=item)
        self.items.append(item)

    def _event(self, kind: str, **fields: Any) -> bytes:
        assert self._open is not None
        return self._stream.event(kind, item_id=self._open["id"], output_index=len(self.items), **fields)

    def _begin(self, item: dict[str, Any]) -> bytes:
        self._open = item
        shown = item | ({"content": []} if item["type"] == "message" else {})
        return self._stream.event("response.output_item.added", output_index=len(self.items), item=shown)

    def _begin_message(self) -> Iterator[bytes]:
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        item = {"type": "message", "id": f"msg_{uuid.uuid4().hex}", "status": "in_progress"}
        yield self._begin(item | {"role": "assistant", "content": [part]})
        yield self._event("response.content_part.added", content_index=0, part=dict(part))

    def _add_call(self, delta: CallDelta) -> Iterator[bytes]:
        if delta.id is not None:
            yield from self.close()
            item = {"type": "function_call", "id": f"fc_{uuid.uuid4().hex}", "status": "in_progress"}
            yield self._begin(item | {"call_id": delta.id, "name": delta.name, "arguments": ""})
        if delta.arguments:
            assert self._open is not None
            self._open["arguments"] += delta.arguments
            yield self._event("response.function_call_arguments.delta", delta=delta.arguments)
