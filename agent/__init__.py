"""A deep-research agent: a topic in, a report out in which every sentence rests on a quote.

    import agent

    report = await agent.research("Do long context windows replace retrieval?")
    for claim in report.claims:
        print(claim.sentence, claim.citations[0].quote)

Importing this package loads nothing heavy; names are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.adapters.engines.retriever import RetrieverEngine
    from agent.domain.question import Question
    from agent.domain.report import Report
    from agent.pipeline import build_graph
    from agent.settings import Settings
    from agent.wiring import open_tools, research, resume

__all__ = [
    "Question",
    "Report",
    "RetrieverEngine",
    "Settings",
    "build_graph",
    "open_tools",
    "research",
    "resume",
]

_HOMES = {
    "Question": "agent.domain.question",
    "Report": "agent.domain.report",
    "RetrieverEngine": "agent.adapters.engines.retriever",
    "Settings": "agent.settings",
    "build_graph": "agent.pipeline",
    "open_tools": "agent.wiring",
    "research": "agent.wiring",
    "resume": "agent.wiring",
}


def __getattr__(name: str) -> object:
    """Load a public name from its home."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOMES[name]), name)
