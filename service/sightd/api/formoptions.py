"""The optional fields of the forms that /v1/image/recognize and /v1/video/recognize take."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated

from fastapi import Depends, Form, Request

from ..errors import Unprocessable
from . import structured
from .conversation import Wishes


@dataclass(frozen=True)
class FormOptions:
    """The fields as they came."""

    system: str | None
    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    seed: int | None
    json_schema: str | None
    stream: bool

    def wishes(self) -> Wishes:
        """How the answer is wanted. Raises BadRequest for a schema that cannot be kept to."""
        grammar = structured.schema_grammar(self.json_schema, "json_schema") if self.json_schema else ""
        return Wishes(
            max_tokens=self.max_tokens, temperature=self.temperature, top_p=self.top_p, seed=self.seed, grammar=grammar
        )


async def form_options(
    system: Annotated[str | None, Form(description="instructions for the model")] = None,
    max_tokens: Annotated[int | None, Form(ge=1, description="longest answer in tokens")] = None,
    temperature: Annotated[float | None, Form(ge=0, le=2, allow_inf_nan=False)] = None,
    top_p: Annotated[float | None, Form(gt=0, le=1, allow_inf_nan=False)] = None,
    seed: Annotated[int | None, Form(ge=-(2**63), lt=2**64)] = None,
    json_schema: Annotated[str | None, Form(description="the JSON Schema that the answer is held to")] = None,
    stream: Annotated[bool, Form(description="send the answer as server-sent events as it comes")] = False,
) -> FormOptions:
    """The fields of a request."""
    return FormOptions(system, max_tokens, temperature, top_p, seed, json_schema, stream)


Options = Annotated[FormOptions, Depends(form_options)]


async def refuse_others(request: Request, *own: str) -> None:
    """Raise Unprocessable for a field of the form that is neither one of the endpoint's own nor one of these."""
    known = {*own, *(option.name for option in fields(FormOptions))}
    other = next((name for name in await request.form() if name not in known), None)
    if other is not None:
        shown = ", ".join(sorted(known))
        raise Unprocessable(
            f"{other[:100]} is not a field of this form; it has {shown}.",
            f"表单中没有字段 {other[:100]}，可用字段：{shown}。",
            param=other[:100],
        )
