"""The optional fields of the forms that /v1/image/recognize and /v1/video/recognize take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form

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
