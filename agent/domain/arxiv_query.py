"""Checks and mends queries in the arXiv API's syntax."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import date

FIELDS: Final = ("all", "ti", "abs", "au", "cat", "co", "jr", "rn", "id", "submittedDate")
_IN_WORDS: Final = frozenset(("all", "ti", "abs", "au", "co", "jr"))
_TOKEN: Final = re.compile(
    rf'\s*(?:(?P<open>\()|(?P<close>\))|(?P<operator>AND|OR|ANDNOT)(?=[\s(])'
    rf'|(?P<term>(?:{"|".join(FIELDS)}):(?:"[^"]+"|\[[^\]]+\]|[^\s()":]+)))'
)  # fmt: skip
_WORD: Final = re.compile(r"[^\W_][\w.-]*")


def is_valid(query: str) -> bool:
    """Whether a query is one or more ``field:term`` joined by operators, parentheses balanced."""
    depth, at, wants_term = 0, 0, True
    query = query.rstrip()
    while at < len(query):
        match = _TOKEN.match(query, at)
        if match is None or wants_term is not bool(match["open"] or match["term"]):
            return False
        depth += bool(match["open"]) - bool(match["close"])
        if depth < 0:
            return False
        wants_term = bool(match["open"] or match["operator"])
        at = match.end()
    return depth == 0 and not wants_term


def mended(query: str) -> str:
    """Return the query if it is valid, else its words searched for in all fields; may be empty."""
    if is_valid(query):
        return query.strip()
    phrases = re.findall(r'"([^"]+)"', query)
    rest = re.sub(r'"[^"]*"|\b(?i:AND|OR|ANDNOT)\b|\b\w+:', " ", query)
    quoted = [f'all:"{" ".join(_WORD.findall(phrase))}"' for phrase in phrases]
    words = [f"all:{word}" for word in _WORD.findall(rest)]
    return " AND ".join(term for term in quoted + words if term != 'all:""')


def submitted(query: str, since: date | None, until: date | None) -> str:
    """Narrow a query to papers submitted from the first to the last of these days."""
    if since is None and until is None:
        return query
    first = f"{since:%Y%m%d}" if since else "19910101"  # the year arXiv began
    last = f"{until:%Y%m%d}" if until else "29991231"
    return f"({query}) AND submittedDate:[{first}0000 TO {last}2359]"


def plain_words(query: str) -> str:
    """Return the words a query looks for, each once, for engines without arXiv's syntax.

    Categories, dates and numbers, and whatever follows ANDNOT, are no words to look for; the
    result may be empty.
    """
    words: dict[str, str] = {}
    depth, unwanted_from = 0, -1  # the depth from which on nothing is wanted, -1 for none
    refused = False  # whether the next term or bracket follows ANDNOT
    for match in _TOKEN.finditer(mended(query)):
        depth += bool(match["open"]) - bool(match["close"])
        if match["open"] and refused and unwanted_from < 0:
            unwanted_from = depth
        if match["close"] and depth < unwanted_from:
            unwanted_from = -1
        if match["term"] and not refused and unwanted_from < 0:
            field, _, term = match["term"].partition(":")
            if field in _IN_WORDS:
                words |= {word.lower(): word for word in _WORD.findall(term.replace("_", " "))}
        refused = match["operator"] == "ANDNOT"
    return " ".join(words.values())
