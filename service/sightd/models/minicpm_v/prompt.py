"""From messages to token ids for MiniCPM-V 2.6 and MiniCPM-o 2.6, placeholders and their places included."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..families import Batching
from ..prompt import Media, Prompt, Span
from ..template import ChatTemplate, Message, up_to
from ..tokenizer import Tokenizer

PLACEHOLDER = "(<image>./</image>)"
"""What stands for a picture or video while the template runs; users' texts cannot hold its control tokens."""
UNKNOWN = "<unk>"
CONTROL = ("<image>", "</image>", "<slice>", "</slice>", "<image_id>", "</image_id>", UNKNOWN)


class MiniCpmPrompts:
    """Builds prompts for one checkpoint. A picture or slice is `queries` tokens; pictures are numbered in the prompt
    where `use_image_id` says so."""

    batching: Batching = "continuous"

    def __init__(self, tokenizer: Tokenizer, template: ChatTemplate, queries: int, use_image_id: bool) -> None:
        missing = [token for token in CONTROL if token not in tokenizer.special]
        if missing:
            raise ValueError(f"the tokenizer lacks the special tokens {', '.join(missing)}")
        self.tokenizer = tokenizer
        self.template = template
        self.queries = queries
        self.use_image_id = use_image_id
        self._starts = frozenset(tokenizer.special[token] for token in ("<image>", "<slice>"))

    def build(
        self,
        messages: Sequence[Message],
        media: Sequence[Media] = (),
        tools: Sequence[dict[str, Any]] | None = None,
        continued: str = "",
        *,
        use_image_id: bool | None = None,
        separator: str = "\n",
        **variables: Any,
    ) -> Prompt:
        """The prompt of a conversation whose pictures and videos are `media`, in order of appearance. It ends after
        the text `continued` of the last message, if that is given. A video is its frames as pictures.

        `use_image_id` numbers the pictures or does not; None is what the checkpoint says, but no numbers when there
        is a video. `separator` stands between the parts of a message (the reference's omni input has "").

        Raises jinja2.TemplateError when the template refuses the conversation, ValueError when it drops or repeats
        a picture.
        """
        guard = self.tokenizer.guard
        flat = [flattened(message, guard, separator) for message in messages]
        text = self.template.render(flat, guard(list(tools)) if tools else None, **variables)
        if continued:
            text = up_to(text, guard(continued))
        if use_image_id is None:
            use_image_id = self.use_image_id and all(medium.kind == "image" for medium in media)
        ids = self.tokenizer.encode_guarded(self._expand(text, media, use_image_id, separator))
        return Prompt(ids, list(self._spans(ids, media)))

    def _expand(self, text: str, media: Sequence[Media], numbered: bool, separator: str) -> str:
        """The text with every placeholder replaced by its pictures' tokens."""
        pieces = text.split(PLACEHOLDER)
        if len(pieces) != len(media) + 1:
            raise ValueError("the chat template did not place every picture and video once")
        number = 0
        result = [pieces[0]]
        for medium, piece in zip(media, pieces[1:], strict=True):
            frames = range(number, number + medium.frames)
            result += [separator.join(self._frame(medium, n if numbered else None) for n in frames), piece]
            number += medium.frames
        return "".join(result)

    def _frame(self, medium: Media, number: int | None) -> str:
        columns, rows = medium.grid
        unknown = UNKNOWN * self.queries
        name = "" if number is None else f"<image_id>{number}</image_id>"
        row = f"<slice>{unknown}</slice>" * columns
        return f"{name}<image>{unknown}</image>" + "\n".join([row] * rows)

    def _spans(self, ids: list[int], media: Sequence[Media]) -> Iterator[Span]:
        """Where the features go: each frame is followed by its slices, which are a medium of their own."""
        firsts = iter([index + 1 for index, token in enumerate(ids) if token in self._starts])
        index = 0
        for medium in media:
            for frame in range(medium.frames):
                yield self._span(index, next(firsts), frame)
                for part in range(medium.slices):
                    yield self._span(index + 1, next(firsts), frame * medium.slices + part)
            index += 2 if medium.slices else 1
        if next(firsts, None) is not None:
            raise ValueError("the chat template has picture tokens of its own")

    def _span(self, medium: int, first: int, number: int) -> Span:
        return Span(medium, first, self.queries, number * self.queries, (1, 1, self.queries))


def flattened(message: Message, guard: Callable[[Any], Any], separator: str) -> Message:
    """A message whose content is one guarded string, as the family's templates have it, with placeholders for pictures
    and videos."""
    content = message.get("content")
    if not isinstance(content, list):
        return {**guard(message)}
    joined = separator.join(guard(part["text"]) if part["type"] == "text" else PLACEHOLDER for part in content)
    return {**guard(message), "content": joined}
