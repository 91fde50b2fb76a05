"""What fuzzing starts from: small files and request bodies that are right, and ways to make them wrong."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st
from PIL import Image

from ..pictures import data_uri, encoded, noise, shape

SMALL = noise(7, (24, 16))
EXIF = Image.Exif()
EXIF[0x0112] = 6


def files() -> dict[str, bytes]:
    """A small picture of every format and of the modes that have code of their own."""
    palette = SMALL.quantize(8)
    made = {kind.lower(): encoded(SMALL, kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")}
    return made | {
        "exif": encoded(SMALL, "JPEG", exif=EXIF),
        "cmyk": encoded(SMALL.convert("CMYK"), "JPEG"),
        "alpha": encoded(SMALL.convert("RGBA"), "PNG"),
        "transparent": encoded(palette, "PNG", transparency=1),
        "deep": encoded(SMALL.convert("I;16"), "PNG"),
        "tiff-lzw": encoded(SMALL, "TIFF", compression="tiff_lzw"),
        "animated": encoded(palette, "GIF", save_all=True, append_images=[palette.rotate(180)] * 3),
    }


FILES = files()
EDGES = [b"\x00" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\x00\x00\x00", b"\x01\x00\x00\x00", b"\x00\x00\xc3\x50"]
SPECIAL = ["<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<|video_pad|>"]
MARKS = st.integers(0xF0000, 0xF0020).map(chr)
"""Where the tokenizer has its stand-ins for control tokens."""
PIECES = st.one_of(st.sampled_from([*SPECIAL, "图", "\x00", "\u202e"]), MARKS, st.text(max_size=12))
TEXTS = st.lists(PIECES, max_size=6).map("".join)


@st.composite
def spoiled(draw: st.DrawFn, content: bytes) -> bytes:
    """The content with up to six changes: bytes set, cut out, put in, doubled, or the end cut off."""
    data = bytearray(content)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        change = draw(st.sampled_from(["set", "edge", "cut", "insert", "double", "end"]))
        if change == "set":
            data[at : at + 1] = bytes([draw(st.integers(0, 255))])
        elif change == "edge":
            edge = draw(st.sampled_from(EDGES))
            data[at : at + len(edge)] = edge
        elif change == "insert":
            data[at:at] = draw(st.binary(max_size=16))
        elif change == "end":
            del data[at:]
        else:
            piece = data[at : at + draw(st.integers(1, 32))]
            data[at : at + len(piece)] = b"" if change == "cut" else piece * 2
    return bytes(data)


PICTURES = st.sampled_from(sorted(FILES)).flatmap(lambda name: spoiled(FILES[name]))

NUMBERS = st.one_of(st.integers(-(2**70), 2**70), st.floats(), st.sampled_from([10**12, -1, 0, 1, 1e308, True]))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(), st.booleans(), NUMBERS, TEXTS, st.sampled_from(["data:image/png;base64,AA==", "http://[::1]/"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(["type", "text", "role", "a"]), inner, max_size=4)
    ),
    max_leaves=8,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all parts of a JSON value but the whole."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, part in below for place in ((*at, key), *places(part, (*at, key)))]


@st.composite
def changed(draw: st.DrawFn, body: dict[str, Any]) -> dict[str, Any]:
    """The body with up to three of its parts replaced, removed, or joined by one that does not belong there."""
    made = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        open_places = places(made)
        if not open_places:
            break
        *way, last = draw(st.sampled_from(open_places))
        holder = made
        for key in way:
            holder = holder[key]
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace":
            holder[last] = draw(JSON)
        elif change == "remove":
            del holder[last]
        elif isinstance(holder, dict):
            holder[draw(st.text(max_size=8))] = draw(JSON)
    return made


PICTURE = data_uri(encoded(shape("ellipse", "red")))
TOOL = {"name": "look", "description": "d", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "model": "sightd-tiny-vl",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": PICTURE}}, {"type": "text", "text": "What?"}],
            },
        ],
        "max_tokens": 2,
        "temperature": 0.5,
        "stop": ["x"],
        "logit_bias": {"5": 1},
        "logprobs": True,
        "top_logprobs": 2,
        "seed": 1,
        "tools": [{"type": "function", "function": TOOL}],
        "response_format": {"type": "text"},
        "stream": False,
    },
    "/v1/responses": {
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "What?"}]}],
        "max_output_tokens": 2,
        "instructions": "Be brief.",
        "temperature": 0.5,
        "tools": [{"type": "function", **TOOL}],
    },
    "/v1/messages": {
        "model": "sightd-tiny-vl",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "What?"}]}],
        "max_tokens": 2,
        "system": "Be brief.",
        "stop_sequences": ["x"],
        "tools": [{"name": "look", "input_schema": TOOL["parameters"]}],
    },
    "/": {
        "prompt": "What?",
        "history": [{"role": "user", "content": ["a", PICTURE]}, {"role": "assistant", "content": "b"}],
    },
    "/tokenize": {"messages": [{"role": "user", "content": "a"}], "return_token_strs": True},
    "/detokenize": {"tokens": [1, 2, 3]},
}
LIMIT_FIELDS = ("max_tokens", "max_completion_tokens", "max_output_tokens")


def brief(body: dict[str, Any], path: str) -> dict[str, Any]:
    """The body, asking for a short answer at most: what is fuzzed is the front, not how long the model can go on."""
    field = "max_output_tokens" if path == "/v1/responses" else "max_tokens"
    if path in ("/v1/chat/completions", "/v1/responses", "/v1/messages"):
        body = {field: 2} | body
    for name in LIMIT_FIELDS:
        if type(body.get(name)) is int and body[name] > 2:
            body[name] = 2
    return body
