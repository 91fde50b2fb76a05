"""Schemas without properties that nobody asked for.

A schema that says nothing of further properties allows any, and a model that is held to it may write them until its
answer is cut. An answer without them fits the schema just as well, so objects are closed unless the schema speaks of
further properties itself.
"""

from __future__ import annotations

import json
from typing import Any

COMBINING = ("allOf", "not", "if", "dependentSchemas", "unevaluatedProperties")
"""Where one of these stands, what is closed in one place may be needed in another."""
NAMED = ("properties", "$defs", "definitions")
LISTED = ("anyOf", "oneOf", "prefixItems")
SPOKEN_OF = ("additionalProperties", "patternProperties", "propertyNames", "$ref", "anyOf", "oneOf")


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its objects closed, or unchanged where that could rule out what it wants."""
    text = json.dumps(schema)
    combined = any(f'"{word}"' in text for word in COMBINING) or extends(schema)
    return schema if combined else closed_object(schema)


def extends(value: Any) -> bool:
    """Whether something in a value adds properties to a schema that it refers to."""
    if isinstance(value, dict):
        return ("$ref" in value and "properties" in value) or any(map(extends, value.values()))
    return isinstance(value, list) and any(map(extends, value))


def closed_object(schema: Any) -> Any:
    """One schema and those inside it, closed; alternatives beside properties of their own stay as they are."""
    if not isinstance(schema, dict):
        return schema
    result = dict(schema)
    for word in NAMED:
        if isinstance(schema.get(word), dict):
            result[word] = {name: closed_object(inner) for name, inner in schema[word].items()}
    for word in () if "properties" in schema else LISTED:
        if isinstance(schema.get(word), list):
            result[word] = [closed_object(inner) for inner in schema[word]]
    for word in ("items", "additionalProperties"):
        if word in schema:
            result[word] = closed_object(schema[word])
    return result | {"additionalProperties": False} if is_open(schema) else result


def is_open(schema: dict[str, Any]) -> bool:
    """Whether a schema names properties, all that it requires among them, and says nothing of others."""
    named = schema.get("properties")
    if not isinstance(named, dict) or any(word in schema for word in SPOKEN_OF):
        return False
    required = schema.get("required", [])
    return isinstance(required, list) and all(name in named for name in required)
