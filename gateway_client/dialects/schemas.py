"""Reduces JSON schemas to the keywords a vendor knows; the rest is told in words.

A keyword that a vendor does not know makes it refuse the whole call, so it goes into the
description, where at least the model can read it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway_client.dialects import shapes
from gateway_client.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway_client.dialects.shapes import Payload

DEEPEST: Final = 50
"""Vendors refuse less: OpenAI ten levels, the others about as many."""

_MAPS: Final = ("properties", "$defs", "definitions")
_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
_SCHEMAS: Final = ("items", "additionalProperties")
_UNTOLD: Final = {"$schema", "$id", "$comment", "title", "examples", "additionalProperties"}
"""What helps no model if it is told in words."""


@dataclass(frozen=True, slots=True)
class Subset:
    """What one vendor knows: keywords, ``formats`` of strings (None: all), other spellings.

    If ``closed``, an object can have no properties but those that are named.
    """

    keywords: frozenset[str]
    formats: frozenset[str] | None = None
    spelled: tuple[tuple[str, str], ...] = ()
    most_min_items: int | None = None
    closed: bool = False

    def reduced(self, schema: Payload) -> Payload:
        """Return the schema in the vendor's keywords; raise RequestRefused if it is too deep."""
        return self._reduced(schema, DEEPEST)

    def _reduced(self, schema: Payload, depth: int) -> Payload:
        if depth == 0:
            raise RequestRefused(f"a JSON schema is more than {DEEPEST} levels deep")
        spelled = {dict(self.spelled).get(key, key): value for key, value in schema.items()}
        if "const" in spelled and "const" not in self.keywords:
            spelled["enum"] = [spelled.pop("const")]
        kept = {
            key: self._inner(key, value, depth - 1)
            for key, value in spelled.items()
            if self._knows(key, value)
        }
        lost = {key: spelled[key] for key in spelled if key not in kept and key not in _UNTOLD}
        if lost:
            told = ", ".join(f"{key}: {json.dumps(value)}" for key, value in lost.items())
            kept["description"] = f"{shapes.text(kept.get('description'))} ({told})".strip()
        if self.closed and _is_object(schema):
            kept["additionalProperties"] = False
        return kept

    def _knows(self, key: str, value: object) -> bool:
        if key == "format" and self.formats is not None:
            return shapes.text(value) in self.formats
        if key == "minItems" and self.most_min_items is not None:
            return shapes.count(value) <= self.most_min_items
        return key in self.keywords

    def _inner(self, key: str, value: object, depth: int) -> object:
        """Reduce the schemas that are in a keyword's value."""
        if key in _MAPS:
            inner = shapes.record(value)
            return {name: self._reduced(shapes.record(inner[name]), depth) for name in inner}
        if key in _LISTS:
            return [self._reduced(schema, depth) for schema in shapes.records(value)]
        if key in _SCHEMAS and isinstance(value, dict):
            return self._reduced(value, depth)
        return value


def holds_maps(schema: Payload) -> bool:
    """Whether an object in the schema may have properties whose names it does not say."""
    return any(_is_map(part) for part in _parts(schema, DEEPEST))


def _is_object(schema: Payload) -> bool:
    return schema.get("type") == "object" or "properties" in schema


def _is_map(schema: Payload) -> bool:
    more = schema.get("additionalProperties")
    return more is True or isinstance(more, dict) or (_is_object(schema) and not _named(schema))


def _named(schema: Payload) -> bool:
    return bool(schema.get("properties")) or schema.get("additionalProperties") is False


def _parts(schema: Payload, depth: int) -> Iterator[Payload]:
    """Yield a schema and those in it."""
    yield schema
    if depth == 0:
        return
    inner = [part for key in _MAPS for part in shapes.record(schema.get(key)).values()]
    inner += [part for key in _LISTS for part in shapes.rows(schema.get(key))]
    inner += [schema.get(key) for key in _SCHEMAS]
    for part in shapes.records(inner):
        yield from _parts(part, depth - 1)
