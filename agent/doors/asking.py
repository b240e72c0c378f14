"""What a door asks for: a topic and options as a file has them, made ready to be researched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.domain.question import Question
    from agent.settings import Settings


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, with the settings and the formats its report is to have."""

    question: Question
    settings: Settings
    formats: tuple[str, ...]


Understand = Callable[[str, Mapping[str, object]], Asked]
"""Makes a topic and options ready; raises InvalidInput if they cannot be, and InvalidOption where
it is an option that is wrong."""
