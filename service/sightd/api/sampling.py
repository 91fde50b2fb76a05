"""From what a client wishes to what the engine is told about choosing tokens."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import asdict

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
    check_tokens(tokenizer, "stop_token_ids", wishes.stop_token_ids)
    check_tokens(tokenizer, "allowed_token_ids", wishes.allowed_token_ids)
    check_tokens(tokenizer, "logit_bias", tuple(wishes.logit_bias))
    return Sampling(
        max_tokens=min(wishes.max_tokens or limits.default_max_tokens, limits.max_tokens, room),
        **asdict(wishes.over(services.defaults)),
        seed=(secrets.randbits(64) if wishes.seed is None else wishes.seed) & SEEDS,
        logit_bias=tuple(wishes.logit_bias.items()),
        allowed_token_ids=wishes.allowed_token_ids,
        bad_words=bad_words(tokenizer, wishes.bad_words),
        min_tokens=wishes.min_tokens,
        stop_token_ids=wishes.stop_token_ids,
        ignore_eos=wishes.ignore_eos,
        logprobs=wishes.logprobs,
        grammar=wishes.grammar,
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
