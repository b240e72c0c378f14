"""Says which extra of the package brings what is not installed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent.errors import ExtraMissing

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import within this what the extra brings; raise ExtraMissing if it is not there."""
    try:
        yield
    except ImportError as error:
        raise ExtraMissing(
            f"{error.name or name} is not installed",
            mend=f"pip install 'deep-research-agent[{name}]'",
        ) from error
