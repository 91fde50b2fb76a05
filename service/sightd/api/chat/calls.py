"""The calls in the answer to a chat request."""

from __future__ import annotations

from ..toolcalls import ToolCallStream
from .schema import ChatRequest


def call_stream(request: ChatRequest) -> ToolCallStream:
    """What tells calls from text in one answer; all is text when the request offers no tools."""
    return ToolCallStream(expected=request.calls_tools, single=request.parallel_tool_calls is False)
