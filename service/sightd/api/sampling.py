"""From what a client wishes to what the engine is told about choosing tokens."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict

from ..config.limits import Limits
from ..engine.protocol import Sampling
from ..errors import BadRequest
from ..models.tokenizer import Tokenizer
from .conversation import Wishes
from .services import Services

SEEDS = 2**64 - 1


def sampling(services: Services, wishes: Wishes, prompt_tokens: int) -> Sampling:
    """How the engine is to choose tokens. Raises BadRequest when the prompt leaves no room for an answer, or when a
    token id is not the model's."""
    limits = services.limits
    room = room_for_answer(services, prompt_tokens)
    tokenizer = services.prompts.tokenizer
    check_tokens(tokenizer, "allowed_token_ids", wishes.allowed_token_ids)
    check_tokens(tokenizer, "logit_bias", tuple(wishes.logit_bias))
    return Sampling(
        max_tokens=longest_answer(wishes, limits, room),
        **asdict(wishes.over(services.defaults)),
        seed=(secrets.randbits(64) if wishes.seed is None else wishes.seed) & SEEDS,
        logit_bias=tuple(wishes.logit_bias.items()),
        allowed_token_ids=wishes.allowed_token_ids,
        bad_words=bad_words(tokenizer, wishes.bad_words),
        min_tokens=wishes.min_tokens,
        stop_token_ids=tuple(token for token in wishes.stop_token_ids if token < len(tokenizer)),
        ignore_eos=wishes.ignore_eos,
        logprobs=wishes.logprobs,
        grammar=wishes.grammar,
    )


def longest_answer(wishes: Wishes, limits: Limits, room: int) -> int:
    """Tokens after which the answer is cut. Raises BadRequest for more than the operator allows, and when there is no
    room for the shortest answer that is wanted."""
    check_most("max_tokens", wishes.max_tokens or 0, limits.max_tokens, "limits.max_tokens")
    check_most("min_tokens", wishes.min_tokens, limits.max_tokens, "limits.max_tokens")
    check_most("min_tokens", wishes.min_tokens, room, "what the prompt leaves of the context")
    usual = max(limits.default_max_tokens, wishes.min_tokens)
    return min(wishes.max_tokens or usual, limits.max_tokens, room)


def check_most(param: str, wanted: int, most: int, of: str) -> None:
    """Raise BadRequest when a field asks for more tokens than there may be."""
    if wanted > most:
        raise BadRequest(
            f"{param}: at most {most} tokens may be asked for here ({of}), not {wanted}.",
            f"{param} 最多为 {most}（{of}），收到的是 {wanted}。",
            param=param,
            code="invalid_value",
        )


def room_for_answer(services: Services, prompt_tokens: int) -> int:
    """Tokens that the context has left after the prompt. Raises BadRequest when there are none."""
    longest = context_length(services)
    if prompt_tokens >= longest:
        raise too_long(f"{prompt_tokens} tokens, pictures included", f"（含图片）共 {prompt_tokens} 个 token", longest)
    return longest - prompt_tokens


def context_length(services: Services) -> int:
    """Tokens that a prompt and its answer may have together."""
    info = services.engines.info
    return info.max_model_len if info else services.limits.max_tokens


def too_long(size: str, chinese: str, longest: int) -> BadRequest:
    """The refusal of a prompt of this size."""
    return BadRequest(
        f"The prompt has {size}; the model takes at most {longest} in all. Shorten it or send fewer pictures.",
        f"提示词{chinese}，超过了模型上下文长度 {longest}，请缩短内容或减少图片。",
        param="messages",
        code="context_length_exceeded",
    )


def check_tokens(tokenizer: Tokenizer, param: str, ids: Sequence[int]) -> None:
    """Raise BadRequest when an id is not one of the tokenizer's."""
    unknown = next((i for i in ids if not 0 <= i < len(tokenizer)), None)
    if unknown is not None:
        raise BadRequest(
            f"{param}: the model has no token {unknown}; its tokens are 0 to {len(tokenizer) - 1}.",
            f"{param}：模型没有编号为 {unknown} 的 token。",
            param=param,
            code="invalid_value",
        )


def bad_words(tokenizer: Tokenizer, words: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    """Every word as tokens, at the beginning of a text and after a space, which most tokenizers write differently."""
    forms = [tuple(tokenizer.encode_plain(form)) for word in words for form in (word, f" {word.lstrip()}")]
    return tuple(dict.fromkeys(form for form in forms if form))
