"""What the HTTP front and an engine say to each other. No torch here.

Front to engine: `submit` (with one memory file of RGB frames for each medium), `abort`, `log_level`.
Engine to front: `loading` (now and then, with the share that is loaded), `ready`, `failed`, `tokens` (all that one step
brought), `encoding` (the digests of the media that enter the vision encoder, none at the end), `counts` (now and
then, with the number of steps so far), `beat` (a sign of life).
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from ..models.prompt import Span

PREFIX_TOKENS = 64

FinishReason = Literal["stop", "length", "refused", "unreadable", "failed", "impossible", "read"]


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen. `temperature` 0 is greedy; `top_k` 0, `top_p` 1 and `min_p` 0 do not restrict; `seed` 64
    bits; `ignore_eos` goes on after the model's own end tokens, `min_tokens` do not come before them.

    Penalties as OpenAI's API (frequency, presence: of the answer's tokens) and transformers (repetition: of the
    prompt's too, where the network says so) define them. `bad_words` are token sequences that never come; only
    `allowed_token_ids` come, where there are any, and only texts of the `grammar` (in llguidance's terms), if there
    is one. `logprobs` is how many of the likeliest tokens are reported beside each chosen one, -1 for none.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    min_p: float = 0.0
    seed: int = 0
    repetition_penalty: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: tuple[tuple[int, float], ...] = ()
    allowed_token_ids: tuple[int, ...] = ()
    bad_words: tuple[tuple[int, ...], ...] = ()
    min_tokens: int = 0
    stop_token_ids: tuple[int, ...] = ()
    ignore_eos: bool = False
    logprobs: int = -1
    grammar: str = ""


@dataclass(frozen=True)
class Frames:
    """One medium's pixels: uint8 RGB [frames, height, width, 3] in a memory file, named by the hash of its content.
    One that is `alone` is encoded by itself."""

    digest: bytes
    frames: int
    height: int
    width: int
    alone: bool = False


@dataclass(frozen=True)
class Submission:
    """A request as the engine takes it. `produced` are tokens that it already brought before an engine died; a lower
    `priority` goes first; what is cached is shared among requests of the same `salt` only.

    Where the engine makes the token ids there is a `conversation` (see `sightd.models.prompt.Prompt`) in their place;
    with `max_tokens` 0 such a request asks for them and no more."""

    id: int
    token_ids: list[int]
    sampling: Sampling
    spans: list[Span] = field(default_factory=list)
    media: list[Frames] = field(default_factory=list)
    produced: list[int] = field(default_factory=list)
    priority: int = 0
    salt: bytes = b""
    conversation: str = ""

    @property
    def digests(self) -> list[bytes]:
        """The names of its media, and one for all of them together where there are several."""
        each = [medium.digest for medium in self.media]
        return each if len(each) < 2 else [*each, hashlib.blake2b(b"".join(each), digest_size=16).digest()]

    @property
    def name(self) -> bytes:
        """A name for what is asked, whoever asks it and however the answer is wanted."""
        asked = [self.conversation.encode(), repr(self.token_ids).encode(), *self.digests]
        return hashlib.blake2b(b"\n".join(asked), digest_size=16).digest()

    def without(self, token: int) -> Submission:
        """The same without a token in the prompt, wherever it is but at the end, from where the answer goes on."""
        last = len(self.token_ids) - 1
        kept = [index for index, other in enumerate(self.token_ids) if other != token or index == last]
        ids = [self.token_ids[index] for index in kept]
        return replace(
            self, token_ids=ids, spans=[replace(span, first=bisect_left(kept, span.first)) for span in self.spans]
        )

    @property
    def prefix(self) -> bytes:
        """A name for how the request begins: its first medium, or its first tokens."""
        first = self.conversation or repr(self.token_ids[:PREFIX_TOKENS])
        begin = self.media[0].digest if self.media else first.encode()
        return hashlib.blake2b(self.salt + begin, digest_size=16).digest()

    def packed(self) -> dict[str, Any]:
        """As a message."""
        return {"type": "submit", **asdict(self)}


def unpacked(message: dict[str, Any]) -> Submission:
    """The submission that a `submit` message holds."""
    return Submission(
        id=message["id"],
        token_ids=message["token_ids"],
        sampling=Sampling(**{key: frozen(value) for key, value in message["sampling"].items()}),
        spans=[Span(**span | {"grid": tuple(span["grid"])}) for span in message["spans"]],
        media=[Frames(**frames) for frames in message["media"]],
        produced=message["produced"],
        priority=message["priority"],
        salt=message["salt"],
        conversation=message["conversation"],
    )


def frozen(value: Any) -> Any:
    """A message's lists as the tuples they were."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value


Logprobs = tuple[float, list[int], list[float]]
"""A chosen token's log probability, and the likeliest tokens with theirs."""


@dataclass(frozen=True)
class Progress:
    """What one step brought for one request: new tokens (with as many `logprobs` where they are wanted), and why it
    ended if it did. Times are seconds spent waiting for a place and in prefill, sent with the first token. At "read"
    the tokens are the prompt's; `refused` says what is wrong with a grammar ("refused") or a conversation
    ("unreadable"); at "failed" the network could not answer, at "impossible" the request rules out every token."""

    id: int
    tokens: list[int]
    logprobs: list[Logprobs] | None = None
    finish: FinishReason | None = None
    queued: float | None = None
    prefill: float | None = None
    refused: str | None = None


@dataclass(frozen=True)
class EngineCounts:
    """What an engine has done since it started: prompt tokens looked up and found in the key/value cache, media asked
    for and found encoded, preemptions; the share of the cache's blocks in use, and the bytes held on the device."""

    prefix_tokens: int = 0
    prefix_tokens_found: int = 0
    media: int = 0
    media_found: int = 0
    preemptions: int = 0
    cache_used: float = 0.0
    memory_bytes: int = 0


@dataclass(frozen=True)
class EngineInfo:
    """What a ready engine tells about itself. `attention` names its back end; `decoding` says how steps that only
    decode are run, "eager" or as CUDA graphs, and why; `max_model_len` and `cache_tokens` are tokens; `sandbox` has the
    layers of its confinement, each with "applied" or with why it is missing."""

    device: str
    attention: str
    decoding: str
    dtype: str
    quantization: str
    family: str
    max_model_len: int
    cache_tokens: int
    parameters: int
    load_seconds: float
    eos_token_ids: tuple[int, ...]
    sandbox: dict[str, str] = field(default_factory=dict)
