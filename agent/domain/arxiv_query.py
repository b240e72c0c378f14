"""Checks and mends queries in the arXiv API's syntax."""

from __future__ import annotations

import re
from typing import Final

FIELDS: Final = ("all", "ti", "abs", "au", "cat", "co", "jr", "rn", "id", "submittedDate")
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
