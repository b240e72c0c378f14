"""Makes a pydantic model's JSON Schema acceptable to endpoints that enforce schemas strictly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from pydantic import BaseModel

Schema = dict[str, object]

DROPPED: Final = {
    "default", "discriminator", "examples", "maxLength", "minLength", "title", "uniqueItems",
}  # fmt: skip
"""Keywords that strict endpoints refuse or do not need; pydantic checks them afterwards."""

RENAMED: Final = {"oneOf": "anyOf"}
"""Keywords for which strict endpoints know only a looser one."""

NAMED: Final = {"properties", "$defs"}
"""Keywords whose values are schemas by name: a property may itself be called ``default``."""


def strict_schema(model: type[BaseModel]) -> Schema:
    """Return the schema with closed objects, all properties required and no defaults."""
    return cast("Schema", _strict(model.model_json_schema()))


def name_of(model: type[BaseModel]) -> str:
    """Return a name for the schema in the characters that the API allows."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", model.__name__)[:64]


def _strict(value: object) -> object:
    if isinstance(value, list):
        return [_strict(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return {"$ref": value["$ref"]}
    kept = {key: inner for key, inner in value.items() if key not in DROPPED}
    made = {RENAMED.get(key, key): _inner(key, inner) for key, inner in kept.items()}
    if isinstance(made.get("properties"), dict):
        made |= {"required": list(value["properties"]), "additionalProperties": False}
    return made


def _inner(key: str, value: object) -> object:
    if key in NAMED and isinstance(value, dict):
        return {name: _strict(schema) for name, schema in value.items()}
    return _strict(value) if key not in {"enum", "const"} else value
