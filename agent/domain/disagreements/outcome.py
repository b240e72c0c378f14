"""Says which side of a disagreement wins by rule: a retraction, a correction, a newer version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agent.domain.duplicates import title_key
from agent.domain.identifiers import arxiv_id, doi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.domain.evidence import Source
    from agent.domain.report import Claim

Edition = tuple[str, int]
"""A paper and the number of its version."""

Title = tuple[str, ...]
"""The words that make a title the same in other type."""

_NOTICE: Final = re.compile(
    r"(?:author |publisher )?(?:correction|corrigendum|erratum)\s*(?:to|for)?\s*[:\-–]?\s*"
    r"(?P<of>.+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of the works a claim rests on: mirrors and copies are one work.

    ``edition`` is the numbered version of the paper it rests on, if it rests on that alone;
    ``titles`` are those of the works, ``corrects`` those that they are corrections of.
    """

    named: str
    works: frozenset[str]
    edition: Edition | None
    retracted: bool
    titles: frozenset[Title]
    corrects: frozenset[Title]

    @classmethod
    def of(cls, claim: Claim, sources: Mapping[str, Source]) -> Standing:
        """Return the standing of a claim, whose sources are all given by their id."""
        ids = dict.fromkeys(citation.source for citation in claim.citations)
        cited = [sources[id_] for id_ in ids]
        editions = {_edition(source) for source in cited}
        return cls(
            named=" and ".join(ids),
            works=frozenset(source.work or source.id for source in cited),
            edition=editions.pop() if len(editions) == 1 else None,
            retracted=all(source.publication.retracted for source in cited),
            titles=frozenset(title_key(source.title) for source in cited),
            corrects=frozenset(_corrected(source.title) for source in cited) - {()},
        )

    def may_contradict(self, other: Standing) -> bool:
        """Whether the works are different ones, or different versions of one paper."""
        here, there = self.edition, other.edition
        are_versions = here and there and here[0] == there[0] and here[1] != there[1]
        return self.works.isdisjoint(other.works) or bool(are_versions)

    def beats(self, other: Standing) -> str:
        """Return the rule by which this side wins over the other, empty if none does."""
        if other.retracted and not self.retracted:
            return f"A retracted work loses: {other.named} was retracted."
        if other.titles <= self.corrects:
            return (
                "A correction wins over what it corrects: "
                f"{self.named} is a correction of {other.named}."
            )
        here, there = self.edition, other.edition
        if here and there and here[0] == there[0] and here[1] > there[1]:
            return (
                "The newer version of a paper wins: "
                f"{self.named} is version {here[1]}, {other.named} is version {there[1]}."
            )
        return ""


def _corrected(title: str) -> Title:
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
