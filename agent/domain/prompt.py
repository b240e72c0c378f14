"""What a model is told."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prompt:
    """Who the model is and what always holds (system), and the work to be done (user)."""

    system: str
    user: str
