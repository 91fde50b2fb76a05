"""Text to token ids and back, by the checkpoint's tokenizer.json.

What users write is text, never control: a special token spelled out in a message is encoded as the characters it
is made of. Only the chat template can produce control tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Backend

SENTINEL = 0xF0000
"""Start of a private-use plane, for marks that stand in for control tokens in user text while a template runs."""
LONG = 4096
"""Characters from which on other threads go on working while a text is encoded, which costs some time to arrange."""
PIECE = 65536
"""Characters that are encoded at a time where only the number of tokens is wanted."""
CUT = 16
"""Tokens by which cutting a text between two characters may change their number, generously."""


def byte_characters() -> dict[str, int]:
    """The characters that byte-level vocabularies write for bytes: printable ones for themselves, the others by number
    from U+0100 on (https://github.com/openai/gpt-2, encoder.py)."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(b): b for b in printable} | {chr(0x100 + number): byte for number, byte in enumerate(others)}


BYTES = byte_characters()


class Tokenizer:
    """A checkpoint's tokenizer. Raises FileNotFoundError when the folder has no tokenizer.json, ValueError when that
    cannot be used."""

    def __init__(self, folder: Path) -> None:
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing: sightd reads tokenizers in the tokenizer.json format.")
        try:
            self._backend, self._plain = Backend.from_file(str(path)), Backend.from_file(str(path))
        except Exception as error:
            raise ValueError(f"{path} cannot be used: {error}.") from error
        # A backend of its own: other threads may be encoding with the first one.
        self._plain.encode_special_tokens = True
        added = self._backend.get_added_tokens_decoder()
        self.special: dict[str, int] = {token.content: index for index, token in added.items() if token.special}
        self._control = re.compile("|".join(sorted(map(re.escape, self.special), key=len, reverse=True)) or r"(?!)")

    def __len__(self) -> int:
        return self._backend.get_vocab_size(with_added_tokens=True)

    def id_of(self, token: str) -> int | None:
        """The id of a token by its exact text, or None."""
        index = self._backend.token_to_id(token)
        return None if index is None else int(index)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text in which special tokens are control."""
        return encoded(self._backend, text)

    def encode_plain(self, text: str) -> list[int]:
        """Token ids of a text in which nothing is control."""
        return encoded(self._plain, text)

    def surely_more_than(self, limit: int, text: str) -> bool:
        """Whether a text has more than so many tokens, found out without encoding much more than that; False for texts
        of less than a piece, and where it is close."""
        if len(text) <= PIECE:
            return False
        count = 0
        for first in range(0, len(text), PIECE):
            count += len(self.encode_plain(text[first : first + PIECE])) - CUT
            if count > limit:
                return True
        return False

    def decode(self, ids: Iterable[int], skip_special: bool = True) -> str:
        """The text of token ids; bytes that are no UTF-8 become U+FFFD."""
        return str(self._backend.decode(list(ids), skip_special_tokens=skip_special))

    def bytes_of(self, token: int) -> bytes:
        """The bytes that a token stands for, which need not be whole characters; none for ids beyond the vocabulary."""
        text = self._backend.id_to_token(token) or ""
        if text not in self.special and all(character in BYTES for character in text):
            return bytes(BYTES[character] for character in text)
        return text.encode() if text in self.special else self.decode([token]).encode()

    def stream(self, skip_special: bool = True) -> TokenStream:
        """A decoder for tokens that come one by one."""
        return TokenStream(self._backend, skip_special)

    def guard(self, value: Any) -> Any:
        """The same messages or tools with every control token in their strings replaced by a private mark."""
        if isinstance(value, str):
            return self._control.sub(self._mark, value) if self._control.search(value) else value
        if isinstance(value, dict):
            return {self.guard(key): self.guard(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.guard(item) for item in value]
        return value

    def _mark(self, match: re.Match[str]) -> str:
        return chr(SENTINEL + list(self.special).index(match[0]))

    def encode_guarded(self, prompt: str) -> list[int]:
        """Token ids of a rendered prompt whose user texts went through `guard`."""
        names = list(self.special)
        marks = re.compile(f"[{chr(SENTINEL)}-{chr(SENTINEL + len(names) - 1)}]")
        if not marks.search(prompt):
            return self.encode(prompt)
        ids: list[int] = []
        start = 0
        for control in self._control.finditer(prompt):
            ids += self._plain_piece(prompt[start : control.start()], marks, names)
            ids.append(self.special[control[0]])
            start = control.end()
        return ids + self._plain_piece(prompt[start:], marks, names)

    def _plain_piece(self, text: str, marks: re.Pattern[str], names: list[str]) -> list[int]:
        return self.encode_plain(marks.sub(lambda m: names[ord(m[0]) - SENTINEL], text))


def encoded(backend: Backend, text: str) -> list[int]:
    """Token ids of a text, without any that the tokenizer would add to it. Raises ValueError for half of a surrogate
    pair, which is no text."""
    try:
        if len(text) < LONG:
            return list(backend.encode(text, add_special_tokens=False).ids)
        # Unlike `encode`, this lets other threads run.
        return list(backend.encode_batch_fast([text], add_special_tokens=False)[0].ids)
    except TypeError:
        raise ValueError("a text has half of a surrogate pair in it, which is no character") from None


LONGEST_CHARACTER = 6
"""Tokens after which bytes that form no character are given as U+FFFD: UTF-8 characters have at most four bytes."""
WINDOW = 4
"""Tokens of context that are kept, so that decoding a long answer stays linear."""


class TokenStream:
    """Decodes tokens one by one and never splits a character: bytes of an unfinished one wait for the next token."""

    def __init__(self, backend: Backend, skip_special: bool = True) -> None:
        self._backend = backend
        self._skip_special = skip_special
        self._ids: list[int] = []
        self._shown = ""
        self._held = 0

    def feed(self, token: int) -> str:
        """The text that this token completes."""
        self._ids.append(token)
        self._held += 1
        text = self._text()
        if text.endswith("\ufffd") and self._held < LONGEST_CHARACTER:
            return ""
        new = text[len(self._shown) :]
        self._ids = self._ids[-WINDOW:]
        self._shown = self._text()
        self._held = 0
        return new

    def rest(self) -> str:
        """The bytes that never became a character, as U+FFFD."""
        return self._text()[len(self._shown) :]

    def _text(self) -> str:
        return str(self._backend.decode(self._ids, skip_special_tokens=self._skip_special))
