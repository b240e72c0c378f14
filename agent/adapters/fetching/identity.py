"""Says who we are to the servers we ask: what we are, and nothing else."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Final

PRODUCT: Final = "deep-research-agent"
"""Our name in robots.txt as well."""


@cache
def user_agent(contact: str = "") -> str:
    """Return our name and version and, if there is one, an address that may be written to."""
    name = f"{PRODUCT}/{version(PRODUCT)}"
    return f"{name} (mailto:{contact})" if contact else name
