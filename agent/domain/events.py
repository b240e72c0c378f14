"""What happens during a run, told as it happens."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

StageName = Literal["refine", "retrieve", "synthesize", "verify", "render"]
Kind = Literal["started", "note", "failed"]
Counted = Literal["searches", "pages", "sections", "claims", "held", "dropped"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in one stage, in a few words.

    ``counts`` is what there is more of since the last event; ``tokens`` and ``usd`` are what the
    run has taken so far.
    """

    stage: StageName
    text: str
    kind: Kind = "note"
    counts: Mapping[Counted, int] = field(default_factory=dict)
    tokens: int = 0
    usd: Decimal = Decimal(0)


Tell = Callable[[Event], None]
"""Whoever wants to hear of it."""


def tell_nobody(_: object) -> None:
    """Listen to nothing: the default where nobody watches."""


def event_line(event: Event, at: datetime) -> str:
    """Return an event as one line of JSON: ``at`` in ISO 8601, and its parts by their names."""
    told = {
        "at": at.isoformat(timespec="milliseconds"),
        "stage": event.stage,
        "kind": event.kind,
        "text": event.text,
        "counts": dict(event.counts),
        "tokens": event.tokens,
        "usd": float(event.usd),
    }
    return json.dumps(told, ensure_ascii=False) + "\n"


def event_of(line: str) -> Event:
    """Return the event a line of JSON tells; raise ValueError if it tells none."""
    told = json.loads(line)
    try:
        return Event(
            told["stage"],
            told["text"],
            told["kind"],
            told["counts"],
            told["tokens"],
            Decimal(str(told["usd"])),
        )
    except (TypeError, KeyError) as error:
        message = f"no event: {line.strip()}"
        raise ValueError(message) from error
