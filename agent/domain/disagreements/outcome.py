"""Says which side of a disagreement wins by rule: a retraction, a correction, a newer version."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from agent.domain.duplicates import title_key
from agent.domain.identifiers import arxiv_id, doi

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agent.domain.evidence import Source
    from agent.domain.report import Claim

Edition = tuple[str, int]
"""A paper and the number of its version."""

_NOTICE: Final = re.compile(
    r"(?:author |publisher )?(?:correction|corrigendum|erratum)\s*(?:to|for)?\s*[:\-–]?\s*"
    r"(?P<of>.+)",
    re.IGNORECASE,
)


class Standing:
    """What is known of the works that claims rest on."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._sources: Mapping[str, Source] = {source.id: source for source in sources}

    def works(self, claim: Claim) -> frozenset[str]:
        """Return the works a claim rests on: mirrors and copies are one."""
        return frozenset(source.work or source.id for source in self._cited(claim))

    def are_apart(self, one: Claim, other: Claim) -> bool:
        """Whether two claims rest on different works, or on different versions of one paper."""
        if self.works(one).isdisjoint(self.works(other)):
            return True
        here, there = self._edition(one), self._edition(other)
        return bool(here and there and here[0] == there[0] and here[1] != there[1])

    def beats(self, one: Claim, other: Claim) -> str:
        """Return the rule by which the first claim wins over the second, empty if none does."""
        if self._is_retracted(other) and not self._is_retracted(one):
            return f"A retracted work loses: {self._named(other)} was retracted."
        if self._corrects(one, other):
            return (
                "A correction wins over what it corrects: "
                f"{self._named(one)} corrects {self._named(other)}."
            )
        here, there = self._edition(one), self._edition(other)
        if here and there and here[0] == there[0] and here[1] > there[1]:
            return (
                "The newer version of a paper wins: "
                f"{self._named(one)} is version {here[1]}, {self._named(other)} version {there[1]}."
            )
        return ""

    def _cited(self, claim: Claim) -> list[Source]:
        ids = dict.fromkeys(citation.source for citation in claim.citations)
        return [self._sources[id_] for id_ in ids]

    def _named(self, claim: Claim) -> str:
        return " and ".join(source.id for source in self._cited(claim))

    def _is_retracted(self, claim: Claim) -> bool:
        """Whether nothing that a claim rests on still stands."""
        return all(source.publication.retracted for source in self._cited(claim))

    def _corrects(self, one: Claim, other: Claim) -> bool:
        """Whether a claim rests on the correction of the work another rests on."""
        corrected = {_corrected(source.title) for source in self._cited(one)} - {()}
        return all(title_key(source.title) in corrected for source in self._cited(other))

    def _edition(self, claim: Claim) -> Edition | None:
        """Return the numbered version a claim rests on, if it rests on that alone."""
        found = {_edition(source) for source in self._cited(claim)}
        return found.pop() if len(found) == 1 else None


def _corrected(title: str) -> tuple[str, ...]:
    """Return what makes up the title of the work that a notice corrects, if this is a notice."""
    notice = _NOTICE.match(title)
    return title_key(notice["of"]) if notice else ()


def _edition(source: Source) -> Edition | None:
    """Return the version in the address that was read, else in the one that was found."""
    for address in (source.read_url, source.url):
        name = arxiv_id(address) or doi(address)
        number = name.rpartition("/")[2]
        version = number and re.search(rf"{re.escape(number)}v(\d+)", address, re.IGNORECASE)
        if version:
            return name, int(version[1])
    return None
