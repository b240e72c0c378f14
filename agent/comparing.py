"""Compares two finished reports claim by claim: what was gained, lost, and said otherwise."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any, Final

from agent.errors import RunUnknown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ALIKE: Final = 0.8
"""From this share of common characters (difflib's ratio) on, a sentence is another one reworded:
below it, sentences on the same subject with other facts begin to pair up."""


@dataclass(frozen=True, slots=True)
class Said:
    """A claim: its sentence, and the quotes that hold it with the addresses they are from."""

    sentence: str
    quotes: frozenset[tuple[str, str]]

    def is_like(self, other: Said) -> bool:
        """Whether the other says the same in other words, or other words of the same quote."""
        if self.quotes & other.quotes:
            return True
        return SequenceMatcher(None, self.sentence, other.sentence).ratio() >= ALIKE


@dataclass(frozen=True, slots=True)
class Comparison:
    """The sentences that only one report has; ``changed`` are pairs of before and after."""

    kept: int
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    changed: tuple[tuple[str, str], ...]

    def as_json(self) -> str:
        """Return it as one line."""
        return json.dumps(asdict(self), ensure_ascii=False)

    def as_text(self) -> str:
        """Return it as lines marked +, - and ~."""
        lines = [f"{self.kept} claims are in both"]
        lines += [f"+ {sentence}" for sentence in self.gained]
        lines += [f"- {sentence}" for sentence in self.lost]
        lines += [f"~ {before}\n  {after}" for before, after in self.changed]
        return "\n".join(lines)


def compare(before: Path, after: Path) -> Comparison:
    """Compare the reports in the folders of two runs; raise RunUnknown if one cannot be read."""
    old, new = _claims(before), _claims(after)
    same = {claim.sentence for claim in old} & {claim.sentence for claim in new}
    lost = [claim for claim in old if claim.sentence not in same]
    gained = [claim for claim in new if claim.sentence not in same]
    pairs = []
    for claim in tuple(lost):
        other = next((one for one in gained if claim.is_like(one)), None)
        if other is not None:
            lost.remove(claim)
            gained.remove(other)
            pairs.append((claim.sentence, other.sentence))
    return Comparison(len(same), _sentences(gained), _sentences(lost), tuple(pairs))


def _sentences(claims: Sequence[Said]) -> tuple[str, ...]:
    return tuple(claim.sentence for claim in claims)


def _claims(folder: Path) -> list[Said]:
    path = folder / "report.json"
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        urls = {source["id"]: source["url"] for source in report["sources"]}
        return [_said(claim, urls) for section in report["sections"] for claim in section["claims"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunUnknown(f"{path} cannot be read: {error}") from error


def _said(claim: dict[str, Any], urls: dict[str, str]) -> Said:
    quotes = frozenset((urls[cited["source"]], cited["quote"]) for cited in claim["citations"])
    return Said(claim["sentence"], quotes)
