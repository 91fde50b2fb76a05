"""Requests that do not fit their schema: which fields are wrong and how, as one error, in English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import PydanticCustomError

from ..errors import BadRequest, SightdError, Unprocessable

MOST_PROBLEMS = 10
LONGEST_PROBLEM = 200
NOTHING = object()
CHINESE = {
    "missing": "缺失",
    "extra_forbidden": "不是该接口的参数",
    "int_parsing": "必须是整数",
    "float_parsing": "必须是数字",
    "finite_number": "必须是有限的数字",
    "bool_parsing": "必须是 true 或 false",
    "string_type": "必须是文本",
    "upload": "必须是上传的文件",
    "greater_than": "必须大于 {gt}",
    "greater_than_equal": "必须大于或等于 {ge}",
    "less_than": "必须小于 {lt}",
    "less_than_equal": "必须小于或等于 {le}",
}
"""What is wrong with a form's field, by pydantic's name for it."""
ENGLISH = {
    "extra_forbidden": "{field} is not a parameter of this endpoint",
    "missing": "{field} is missing",
    "dict_type": "{field} must be an object",
    "model_attributes_type": "{field} must be an object",
    "model_type": "{field} must be an object",
    "union_tag_invalid": "{field} has the type '{tag}', which is none of {expected_tags}",
    "union_tag_not_found": "{field} has no type",
    "upload": "{field} must be an uploaded file",
    "string_unicode": "{field} holds characters that are no Unicode text, such as half of a surrogate pair",
}
"""Sentences of our own where pydantic's would not do."""


def problem(param: str, sentence: str) -> PydanticCustomError:
    """What a validator of a whole request raises: the field that is wrong, and a sentence that names it."""
    return PydanticCustomError("contradiction", "{sentence}", {"param": param, "sentence": sentence})


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong; `field` is the place in the body, "" for all of it."""

    field: str
    kind: str
    english: str
    chinese: str


def invalid(errors: Sequence[Any], body: Any, *, form: bool) -> SightdError:
    """The error for a body that has these problems: 422 for a form, which people who read Chinese fill in, 400 for
    JSON."""
    problems = without_alternatives([described(entry, body) for entry in errors[:MOST_PROBLEMS]])
    english = " ".join(one.english for one in problems)
    param = problems[0].field or None if problems else None
    if not form:
        return BadRequest(english, english, param=param, code="invalid_value")
    missing = [one.field for one in problems if one.kind == "missing"]
    wrong = "；".join(one.chinese for one in problems)
    chinese = f"缺少必填字段：{'、'.join(missing)}。" if missing else f"请求字段有误：{wrong}。"
    return Unprocessable(english, chinese, param=param)


def without_alternatives(problems: list[Problem]) -> list[Problem]:
    """The problems without those of a value that has more exact ones inside: where a text or a list may stand, a list
    with a mistake is not told that it is no text."""

    def inside(outer: Problem, inner: Problem) -> bool:
        return bool(outer.field) and inner.field.startswith((f"{outer.field}.", f"{outer.field}["))

    return [one for one in problems if not any(inside(one, other) for other in problems)]


def described(entry: Any, body: Any) -> Problem:
    """One of pydantic's problems as sentences."""
    context = entry.get("ctx") or {}
    kind = "upload" if "Expected UploadFile" in entry["msg"] else entry["type"]
    if kind == "contradiction":
        return Problem(context["param"], kind, f"{context['sentence']}.", context["sentence"])
    if kind == "json_invalid":
        sentence = f"The body is not valid JSON: {context.get('error', '')}."
        return Problem("", kind, sentence[:LONGEST_PROBLEM], sentence)
    name = field(entry["loc"], body, kind == "missing")
    message = entry["msg"].removeprefix("Value error, ").rstrip(".")
    usual = "{field}: " + f"{message[:1].lower()}{message[1:]}".replace("{", "{{").replace("}", "}}")
    english = ENGLISH.get(kind, usual).format(**context | {"field": name or "The body"})
    chinese = CHINESE.get(kind, "无效").format(**context)
    return Problem(name, kind, f"{english[:LONGEST_PROBLEM]}.", f"{name or '请求体'} {chinese}")


def field(place: Sequence[str | int], body: Any, missing: bool) -> str:
    """The path of the field that a problem is about, such as "messages[0].content". Pydantic's place also names the
    alternatives that it tried, which clients do not know: only what is in the body counts, and a last part that is
    `missing` there."""
    parts = place[1:]
    found = resolved(parts, body, missing)
    while found is None:
        parts = parts[:-1]
        found = resolved(parts, body, False)
    return found.removeprefix(".")[:LONGEST_PROBLEM]


def resolved(parts: Sequence[str | int], value: Any, missing: bool) -> str | None:
    """The path of the last part in a value, with parts left out that are not there; None when it is not there."""
    if not parts:
        return ""
    first, rest = parts[0], parts[1:]
    there = at(value, first)
    if there is not NOTHING or (missing and not rest):
        after = resolved(rest, there, missing)
        if after is not None:
            return (f"[{first}]" if isinstance(first, int) else f".{first}") + after
    return resolved(rest, value, missing) if rest else None


def at(value: Any, part: str | int) -> Any:
    """What stands there in a value, or NOTHING."""
    if isinstance(value, Mapping):
        return value.get(part, NOTHING)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return NOTHING
