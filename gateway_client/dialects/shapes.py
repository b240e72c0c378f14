"""Narrows what JSON holds, where a vendor or a caller may have sent anything."""

from __future__ import annotations

from gateway_client import wire

Payload = dict[str, object]


def parsed(body: bytes) -> Payload:
    """Return the JSON object in the bytes; raise ValueError if there is none."""
    payload = wire.payload_of(body)
    if payload is None:
        raise ValueError("it is not a JSON object")
    return payload


def record(value: object) -> Payload:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def records(value: object) -> list[Payload]:
    """Return the objects in the value, if it is a list."""
    return [item for item in rows(value) if isinstance(item, dict)]


def rows(value: object) -> list[object]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """Return the value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def count(value: object) -> int:
    """Return the value if it is a whole number, else 0."""
    return value if isinstance(value, int) else 0


def given(**fields: object) -> Payload:
    """Return the fields that say something; None and what is empty do not, 0 and False do."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {}, ())}


def is_record(body: bytes) -> bool:
    """Whether the bytes are a JSON object."""
    return wire.payload_of(body) is not None
