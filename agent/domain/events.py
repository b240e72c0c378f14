"""What happens during a run, told as it happens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

StageName = Literal["refine", "retrieve", "synthesize", "verify", "render"]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened in one stage, in a few words."""

    stage: StageName
    text: str


Tell = Callable[[Event], None]
"""Whoever wants to hear of it."""


def tell_nobody(_: Event) -> None:
    """Listen to nothing: the default where nobody watches."""
