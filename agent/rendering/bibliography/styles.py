"""Writes references and the marks that lead to them, in a citation style.

``numeric`` and ``author-year`` are our own. The others come from the Citation Style Language
and need the extra ``styles``, which brings a processor and the styles.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import TYPE_CHECKING, Final

from agent.domain.look import NUMBERED
from agent.rendering.bibliography import processor
from agent.rendering.bibliography.names import names_of
from agent.rendering.clean_text import clean
from agent.rendering.links import linkable
from agent.rendering.words import words_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.domain.evidence import Source
    from agent.domain.look import CitationStyle
    from agent.rendering.bibliography.names import Name
    from agent.rendering.words import Words

_CSL: Final[dict[CitationStyle, str]] = {
    "apa": "apa",
    "ieee": "ieee",
    "gb7714": "china-national-standard-gb-t-7714-2015-numeric",
}
_LONGEST_MARK: Final = 32
_MOST_AUTHORS: Final = 6
"""As many as a reference names; after them it says that there are others."""


def formatted(sources: Sequence[Source], style: CitationStyle, language: str) -> tuple[str, ...]:
    """Return one reference a source, in their order, without its number and without markup.

    ``language`` is a BCP 47 tag. Raises ExtraMissing if the style needs one.
    """
    if style in _CSL:
        return processor.processed(tuple(sources), _CSL[style], language).references
    words = words_for(language)
    if style == "numeric":
        return tuple(_numeric(source, words) for source in sources)
    years = _years(sources, words)
    named = zip(sources, years, strict=True)
    return tuple(_author_year(source, year, words) for source, year in named)


def listed(
    sources: Sequence[Source], style: CitationStyle, language: str
) -> tuple[tuple[Source, str], ...]:
    """Return sources with their references, in the order in which the style lists them.

    That is by number, or else by name, whatever the case and the accents.
    """
    references = zip(sources, formatted(sources, style, language), strict=True)
    if style in NUMBERED:
        return tuple(references)
    return tuple(sorted(references, key=lambda pair: _sorted_by(pair[1])))


def _sorted_by(reference: str) -> str:
    plain = unicodedata.normalize("NFKD", reference).casefold()
    return "".join(it for it in plain if it.isalnum() or it.isspace())


def marks(sources: Sequence[Source], style: CitationStyle, language: str) -> tuple[str, ...]:
    """Return what stands in the text for each source, such as [1] or (Lee & Ruiz 2024)."""
    if style in NUMBERED:
        return tuple(f"[{number}]" for number, _ in enumerate(sources, 1))
    if style in _CSL:
        return processor.processed(tuple(sources), _CSL[style], language).marks
    words = words_for(language)
    named = zip(sources, _years(sources, words), strict=True)
    return tuple(f"({_who(source, words)} {year})" for source, year in named)


def _numeric(source: Source, words: Words) -> str:
    day = source.published.isoformat() if source.published else words.say("undated")
    return _joined([_authors(source, words), _title(source), *_where(source), day, _at(source)])


def _author_year(source: Source, year: str, words: Words) -> str:
    authors = _authors(source, words)
    title = _title(source)
    head = f"{authors or title} ({year})"
    return _joined([head, title if authors else "", *_where(source), _at(source)])


def _joined(parts: Sequence[str]) -> str:
    """Join the parts as sentences; an address is the end and has no full stop."""
    *said, address = parts
    sentences = (
        part if part.endswith((".", "?", "!", "。")) else f"{part}." for part in said if part
    )
    return " ".join([*sentences, address]).strip()


def _authors(source: Source, words: Words) -> str:
    names = names_of(source.authors)
    shown = [_spoken(name) for name in names[:_MOST_AUTHORS]]
    if len(names) > _MOST_AUTHORS:
        shown.append(words.say("et_al"))
    return ", ".join(shown)


def _spoken(name: Name) -> str:
    return " ".join(part for part in (name.given, name.family, name.suffix) if part)


def _title(source: Source) -> str:
    return clean(source.title) or clean(source.url)


def _where(source: Source) -> Iterator[str]:
    yield clean(source.publication.venue) or clean(source.site)
    if source.publication.arxiv_id:
        yield f"arXiv:{clean(source.publication.arxiv_id)}"


def _at(source: Source) -> str:
    if source.publication.doi:
        return linkable(f"https://doi.org/{source.publication.doi}") or ""
    return linkable(source.url) or ""


def _who(source: Source, words: Words) -> str:
    names = names_of(source.authors)
    if not names:
        return _shortened(clean(source.site) or _title(source))
    if len(names) == 1:
        return names[0].family
    if len(names) == 2:  # noqa: PLR2004 - a pair is named in full
        return f"{names[0].family} & {names[1].family}"
    return f"{names[0].family} {words.say('et_al')}"


def _shortened(text: str) -> str:
    """Cut a title that would make a mark longer than most sentences' clauses."""
    if len(text) <= _LONGEST_MARK:
        return text
    return (
        text[:_LONGEST_MARK].rpartition(" ")[0] + "…" if " " in text else text[:_LONGEST_MARK] + "…"
    )


def _years(sources: Sequence[Source], words: Words) -> tuple[str, ...]:
    """Return the year of each source, with a letter where author and year are not unique."""
    plain = [str(s.published.year) if s.published else words.say("undated") for s in sources]
    called = [(_who(s, words), year) for s, year in zip(sources, plain, strict=True)]
    alike, seen = Counter(called), Counter[tuple[str, str]]()
    years = []
    for who, year in called:
        seen[who, year] += 1
        years.append(year + _letters(seen[who, year]) if alike[who, year] > 1 else year)
    return tuple(years)


def _letters(number: int) -> str:
    """Return a for 1, z for 26, aa for 27."""
    rest, letter = divmod(number - 1, 26)
    return (_letters(rest) if rest else "") + chr(ord("a") + letter)
