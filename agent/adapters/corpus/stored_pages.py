"""Packs a page into bytes for the index, and unpacks it; nothing in them is ever run."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict
from datetime import date
from typing import Any, Final

from agent.domain.evidence import Page, Publication

FASTEST: Final = 1
"""Packs text to a half in a third of the time the default takes for a little less."""


def packed(page: Page) -> bytes:
    """Return a page as compressed JSON."""
    return zlib.compress(json.dumps(asdict(page), default=date.isoformat).encode(), FASTEST)


def unpacked(data: bytes) -> Page:
    """Return the page that was packed; raise ValueError if these bytes are not one."""
    try:
        fields: dict[str, Any] = json.loads(zlib.decompress(data))
        published = fields.pop("published")
        publication = Publication(**fields.pop("publication"))
        plain: dict[str, Any] = {name: _tupled(part) for name, part in fields.items()}
        day = date.fromisoformat(published) if published else None
        return Page(**plain, published=day, publication=publication)
    except (zlib.error, AttributeError, KeyError, TypeError) as error:
        raise ValueError("these bytes are no page") from error


def _tupled(part: object) -> object:
    """Return a value with tuples where JSON has lists."""
    return tuple(map(_tupled, part)) if isinstance(part, list) else part
