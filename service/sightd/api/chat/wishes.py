"""From a chat request to how it wants to be answered."""

from __future__ import annotations

from ...errors import BadRequest
from ...models.tokenizer import Tokenizer
from .. import structured
from ..conversation import Wishes
from .formats import ObjectFormat, SchemaFormat, StructuredOutputs, TextFormat
from .schema import ChatRequest
from .tools import NamedTool


def wishes(request: ChatRequest, tokenizer: Tokenizer) -> Wishes:
    """How the request wants to be answered. Raises BadRequest for a form that cannot be kept to."""
    return Wishes(
        max_tokens=request.max_completion_tokens or request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        top_k=None if request.top_k is None else max(0, request.top_k),
        min_p=request.min_p,
        seed=request.seed,
        repetition_penalty=request.repetition_penalty,
        frequency_penalty=request.frequency_penalty,
        presence_penalty=request.presence_penalty,
        logit_bias={int(token): bias for token, bias in (request.logit_bias or {}).items()},
        allowed_token_ids=tuple(request.allowed_token_ids or ()),
        bad_words=tuple(request.bad_words or ()),
        min_tokens=request.min_tokens or 0,
        grammar=grammar(request, tokenizer),
        stop=request.stops,
        stop_token_ids=tuple(request.stop_token_ids or ()),
        ignore_eos=bool(request.ignore_eos),
        include_stop=bool(request.include_stop_str_in_output),
        skip_special=request.skip_special_tokens is not False,
        logprobs=(request.top_logprobs or 0) if request.logprobs else -1,
        n=request.n or 1,
        priority=request.priority or 0,
        cache_salt=request.cache_salt or "",
    )


def grammar(request: ChatRequest, tokenizer: Tokenizer) -> str:
    """The grammar that the answer is held to, or "". Raises BadRequest when it does not compile."""
    form = request.response_format
    forms = {
        "structured_outputs": request.structured_outputs is not None,
        "response_format": form is not None and not isinstance(form, TextFormat),
        "tool_choice": request.calls_tools and request.tool_choice not in (None, "auto"),
    }
    given = [name for name, there in forms.items() if there]
    if len(given) > 1:
        raise BadRequest(
            f"Give only one of {' and '.join(given)}: each of them sets the form of the answer.",
            f"{'、'.join(given)} 不能同时使用。",
            param=given[0],
        )
    if forms["tool_choice"]:
        return forced_calls(request, tokenizer)
    if isinstance(form, SchemaFormat):
        return structured.json_grammar(form.json_schema.schema_, "response_format.json_schema")
    if isinstance(form, ObjectFormat):
        return structured.any_object("response_format")
    return structured_grammar(request.structured_outputs) if request.structured_outputs is not None else ""


def forced_calls(request: ChatRequest, tokenizer: Tokenizer) -> str:
    """The grammar of an answer that must call a tool."""
    choice = request.tool_choice
    schemas = {tool.function.name: tool.function.parameters or {} for tool in request.tools or ()}
    if isinstance(choice, NamedTool):
        schemas = {choice.function.name: schemas[choice.function.name]}
    several = request.parallel_tool_calls is not False and not isinstance(choice, NamedTool)
    return structured.tool_grammar(schemas, several, tokenizer, "tools")


def structured_grammar(wanted: StructuredOutputs) -> str:
    """The grammar of vLLM's field."""
    param = "structured_outputs"
    if wanted.regex is not None:
        return structured.regex_grammar(wanted.regex, param)
    if wanted.choice is not None:
        return structured.choice_grammar(wanted.choice, param)
    if wanted.grammar is not None:
        return structured.context_free_grammar(wanted.grammar, param)
    if wanted.json_ is None:
        return structured.any_object(param) if wanted.json_object else ""
    if isinstance(wanted.json_, str):
        return structured.schema_grammar(wanted.json_, param)
    return structured.json_grammar(wanted.json_, param)
