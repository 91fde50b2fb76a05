"""What a request says about the form of its answer, as one grammar in llguidance's terms."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from llguidance import LLMatcher
from llguidance.gbnf_to_lark import GbnfToLarkError, any_to_lark

from ..errors import BadRequest
from ..models.tokenizer import Tokenizer
from .closing import closed
from .toolcalls import CLOSE, OPEN

if TYPE_CHECKING:
    from llguidance._lib import JsonCompileOptions

LARGEST = 64 * 1024
"""Characters of the largest schema, expression or grammar."""
SPACING: JsonCompileOptions = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""One space after commas and colons and none elsewhere: a model that likes white space could fill an answer with it."""


def json_grammar(schema: dict[str, Any], param: str) -> str:
    """JSON that a schema describes. Raises BadRequest."""
    return checked(lambda: LLMatcher.grammar_from_json_schema(as_json(schema, param), overrides=SPACING), param)


def schema_grammar(text: str, param: str) -> str:
    """JSON that a schema, given as its own JSON text, describes. Raises BadRequest."""
    check_size(text, param)
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise broken(f"it is not JSON: {error}", param) from error
    if not isinstance(schema, dict):
        raise broken("it is not an object", param)
    return json_grammar(schema, param)


def any_object(param: str) -> str:
    """Any JSON object."""
    return json_grammar({"type": "object"}, param)


def regex_grammar(expression: str, param: str) -> str:
    """Text that a regular expression matches as a whole. Raises BadRequest."""
    check_size(expression, param)
    return checked(lambda: LLMatcher.grammar_from_regex(expression), param)


def choice_grammar(choices: list[str], param: str) -> str:
    """One of the choices."""
    alternatives = " | ".join(json.dumps(choice, ensure_ascii=False) for choice in choices)
    return checked(lambda: LLMatcher.grammar_from_lark(f"start: {alternatives}"), param)


def context_free_grammar(text: str, param: str) -> str:
    """A grammar in Lark's or GBNF's notation. Raises BadRequest."""
    check_size(text, param)
    return checked(lambda: LLMatcher.grammar_from_lark(any_to_lark(text)), param)


def tool_grammar(tools: dict[str, dict[str, Any]], several: bool, tokenizer: Tokenizer, param: str) -> str:
    """One call or several of tools, whose names come with their arguments' schemas. Raises BadRequest."""
    # In llguidance's notation a bare <name> is the token of that name, a quoted one the characters.
    opening, closing = (tag if tokenizer.id_of(tag) is not None else json.dumps(tag) for tag in (OPEN, CLOSE))
    more = ' ("\\n" call)*' if several else ""
    rules = [f"start: call{more}", "call: " + " | ".join(f"call_{number}" for number in range(len(tools)))]
    for number, (name, parameters) in enumerate(tools.items()):
        begin = json.dumps('\n{"name": ' + json.dumps(name) + ', "arguments": ')
        schema = as_json({"type": "object"} | parameters | {"x-guidance": SPACING}, param)
        rules += [
            f'call_{number}: {opening} {begin} arguments_{number} "}}\\n" {closing}',
            f"arguments_{number}: %json {schema}",
        ]
    return checked(lambda: LLMatcher.grammar_from_lark("\n".join(rules)), param)


def as_json(schema: dict[str, Any], param: str) -> str:
    """A schema as JSON text, closed. Raises BadRequest for numbers and depths that JSON text does not have."""
    try:
        return json.dumps(closed(schema), allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise broken(str(error), param) from error


def checked(make: Callable[[], str], param: str) -> str:
    """The grammar that `make` returns, when it can be compiled within llguidance's limits. Raises BadRequest."""
    try:
        grammar = make()
        check_size(grammar, param)
        is_error, messages = LLMatcher.validate_grammar_with_warnings(grammar)
    except UnicodeError as error:
        raise broken("it has half of a surrogate pair in it, which is no character", param) from error
    except (ValueError, GbnfToLarkError) as error:
        raise broken(str(error), param) from error
    if is_error:
        raise broken(messages[0], param)
    return grammar


def check_size(text: str, param: str) -> None:
    """Raises BadRequest for a schema, expression or grammar over the limit."""
    if len(text) > LARGEST:
        raise BadRequest(
            f"{param} is larger than {LARGEST} characters. Simplify it.",
            f"{param} 超过了 {LARGEST} 个字符的限制，请简化。",
            param=param,
            code="grammar_too_large",
        )


def broken(reason: str, param: str) -> BadRequest:
    """The error for a grammar that does not compile."""
    line = reason.strip().splitlines()[0][:200].rstrip(".:") if reason.strip() else "no reason given"
    return BadRequest(
        f"{param} cannot be compiled: {line}.", f"{param} 无法编译：{line}。", param=param, code="invalid_grammar"
    )
