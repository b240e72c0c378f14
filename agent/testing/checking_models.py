"""Models that do what the extractive one leaves undone in verification: to judge, and to mend.

In front of it they make runs in which claims are judged by a model and repaired.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from agent.domain.passages import sentences

if TYPE_CHECKING:
    from agent.testing.changing import Request

WORDS_NAMED: Final = 8
"""Words of the evidence that the judge names; the rules want three."""

_EVIDENCE: Final = re.compile(r"^evidence (\d+): (.+)$", re.MULTILINE)
_CLAIM: Final = re.compile(
    r"^claim (\d+): (.+)\nfailed because: .*\n((?:S\d+\.\d+ .*\n?)*)", re.MULTILINE
)
_PASSAGE: Final = re.compile(r"^(S\d+\.\d+) (.+)$", re.MULTILINE)


def lenient(request: Request, answer: str) -> str:
    """Call every claim supported, in words of its evidence: the worst judge there can be.

    With it, what is caught is caught by rule.
    """
    if request.form != "JudgeReply":
        return answer
    rulings = [
        {"claim": int(number), "verdict": "supported", "words": _opening(said)}
        for number, said in _EVIDENCE.findall(request.prompt)
    ]
    return json.dumps({"rulings": rulings}, ensure_ascii=False)


def mending(request: Request, answer: str) -> str:
    """Mend each failed claim by the sentence it was most likely made of, quoted whole."""
    if request.form != "RepairReply":
        return answer
    claims = []
    for number, claim, shown in _CLAIM.findall(request.prompt):
        candidates = [
            (_shared(claim, said), passage, said)
            for passage, text in _PASSAGE.findall(shown)
            for said in (text[start:end] for start, end in sentences(text))
        ]
        _, passage, said = max(candidates, default=(0.0, "", ""))
        if said:
            cited = [{"passage": passage, "quote": said}]
            claims.append({"claim": int(number), "sentence": said, "citations": cited})
    return json.dumps({"claims": claims}, ensure_ascii=False)


def _opening(said: str) -> str:
    """Return the first words of a text, or its first characters where words are not spaced."""
    line = said.partition("¶")[0]
    words = line.split()
    return " ".join(words[:WORDS_NAMED]) if len(words) >= WORDS_NAMED else line


def _shared(one: str, other: str) -> float:
    """Return the share of words, or of characters where words are not spaced, two texts share."""
    pattern = r"[a-z0-9]+|[\u4e00-\u9fff]"
    left, right = (set(re.findall(pattern, text.lower())) for text in (one, other))
    return len(left & right) / max(1, len(left | right))
