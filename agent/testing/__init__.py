"""Stand-ins for everything outside, shipped so that callers can test as we do.

Models that misbehave, and the honest one that words things its own way, are in the modules beside
this one: ``misbehaving``, ``obedient``, ``rewording`` and ``checking_models``. ``changing`` puts
them in front of any endpoint.
"""

from agent.testing.standins import (
    Answer,
    Answers,
    ListedEngine,
    MemoryDocuments,
    MemoryFolder,
    ScriptedModel,
    ShelfReader,
    SteppingClock,
)

__all__ = [
    "Answer",
    "Answers",
    "ListedEngine",
    "MemoryDocuments",
    "MemoryFolder",
    "ScriptedModel",
    "ShelfReader",
    "SteppingClock",
]
