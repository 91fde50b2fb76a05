"""JSON objects whose fields callers choose: schemas, arguments of calls, variables of templates."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator

MOST_DEPTH, MOST_INSIDE = 100, 20_000
"""How deep and how large one is at most. Whatever works on it calls itself for each level, or looks at each value."""


def bounded(value: Any) -> Any:
    """The value, unless it is too deep or has too much in it. Raises ValueError."""
    level, inside = [value], 0
    for _ in range(MOST_DEPTH):
        level = [part for holder in level for part in parts(holder)]
        inside += len(level)
        if inside > MOST_INSIDE:
            raise ValueError(f"it has more than {MOST_INSIDE} values")
        if not level:
            return value
    raise ValueError(f"it is nested more than {MOST_DEPTH} deep")


def parts(value: Any) -> list[Any]:
    """The values right inside another one."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


JsonObject = Annotated[dict[str, Any], BeforeValidator(bounded)]
