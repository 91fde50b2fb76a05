"""Why an engine did not answer a request, as the error that its client gets."""

from __future__ import annotations

from ..errors import BadRequest, Internal, SightdError
from .protocol import Progress


def refusal(progress: Progress) -> SightdError:
    """The error for a request that the engine did not answer."""
    match progress.finish:
        case "refused":
            return BadRequest(
                f"The grammar of the answer cannot be compiled: {progress.refused}",
                f"回答的语法无法编译：{progress.refused}",
                code="invalid_grammar",
            )
        case "unreadable":
            return BadRequest(
                f"The model's processor does not take this conversation: {progress.refused}",
                f"模型的处理器不支持该对话：{progress.refused}",
                param="messages",
            )
        case "impossible":
            return BadRequest(
                "The request rules out every token that could come next: what it says of tokens, words and the form of "
                "the answer contradicts itself.",
                "请求的各项限制相互矛盾，没有可以输出的 token。",
                code="contradictory_request",
            )
        case _:
            return Internal("the model could not answer this request", "模型无法回答该请求")
