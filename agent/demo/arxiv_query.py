"""Understands arXiv's query syntax: fields, quoted phrases, AND, OR, ANDNOT, brackets, dates."""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Final

from agent.demo.texts import Text
from agent.domain.ranking import terms

Test = Callable[[Text], bool]

FIELDS: Final[dict[str, Callable[[Text], str]]] = {
    "ti": lambda paper: paper.title,
    "abs": lambda paper: paper.abstract,
    "au": lambda paper: "; ".join(paper.authors),
    "cat": lambda paper: " ".join(paper.categories),
    "id": lambda paper: paper.id,
    "co": lambda _: "",
    "jr": lambda _: "",
    "rn": lambda _: "",
    "all": lambda paper: " ".join([paper.title, paper.abstract, *paper.authors, *paper.categories]),
}
DATES: Final[dict[str, Callable[[Text], str]]] = {
    "submittedDate": lambda paper: f"{paper.published:%Y%m%d}",
    "lastUpdatedDate": lambda paper: f"{paper.updated:%Y%m%d}",
}
OPERATORS: Final = frozenset({"AND", "OR", "ANDNOT", "NOT"})
TOKEN = re.compile(r'"[^"]*"|\[[^\]]*\]|[()]|[A-Za-z]+:(?=\S)|[^\s()"\[\]]+|\S')
NO_WORDS = re.compile(r"[A-Za-z]+:|\[[^\]]*\]|ANDNOT\s+\S+")
DATE_RANGE = re.compile(r"\[\s*(\d{4,14}) TO (\d{4,14})\s*\]")


class MalformedQuery(ValueError):
    """The query is not in arXiv's syntax."""


def parse(query: str) -> Test:
    """Return the test a paper must pass; raise MalformedQuery if the query makes no sense."""
    rest = _Rest(TOKEN.findall(query))
    test = _any_of(rest, "all")
    if rest.next:
        raise MalformedQuery(f"unexpected {rest.next!r}")
    return test


def plain(query: str) -> str:
    """Return the words of a query without its syntax, to rank by."""
    return NO_WORDS.sub(" ", query)


class _Rest:
    """The tokens that have not been understood yet."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens[::-1]

    @property
    def next(self) -> str:
        """The next token, empty at the end."""
        return self._tokens[-1] if self._tokens else ""

    def take(self) -> str:
        """Remove and return the next token."""
        if not self._tokens:
            raise MalformedQuery("the query ends too early")
        return self._tokens.pop()


def _any_of(rest: _Rest, field: str) -> Test:
    """Understand terms joined by OR, or by nothing, which means the same."""
    tests = [_all_of(rest, field)]
    while rest.next not in {"", ")"}:
        if rest.next == "OR":
            rest.take()
        tests.append(_all_of(rest, field))
    return lambda paper: any(test(paper) for test in tests)


def _all_of(rest: _Rest, field: str) -> Test:
    """Understand terms joined by AND and ANDNOT."""
    wanted = [_one(rest, field)]
    unwanted: list[Test] = []
    while rest.next in {"AND", "ANDNOT"}:
        (wanted if rest.take() == "AND" else unwanted).append(_one(rest, field))
    return lambda paper: all(t(paper) for t in wanted) and not any(t(paper) for t in unwanted)


def _one(rest: _Rest, field: str) -> Test:
    """Understand one term, or a bracket full of them."""
    term = rest.take()
    if term == "(":
        test = _any_of(rest, field)
        if rest.take() != ")":
            raise MalformedQuery("a bracket is not closed")
        return test
    if term.endswith(":") and term[:-1] in FIELDS.keys() | DATES.keys():
        return _one(rest, term[:-1])
    if term in OPERATORS:
        raise MalformedQuery(f"{term} stands where a term should")
    return _between(term, field) if field in DATES else _contains(term, field)


def _between(term: str, field: str) -> Test:
    """Test whether a date lies in a range; a bound may be as short as a year."""
    bounds = DATE_RANGE.fullmatch(term)
    if not bounds:
        raise MalformedQuery(f"{term} is no range of dates")
    first, last = bounds[1][:8], bounds[2][:8].ljust(8, "9")
    return lambda paper: first <= DATES[field](paper) <= last


def _contains(term: str, field: str) -> Test:
    """Test whether a field holds a word or phrase, or for categories matches a pattern."""
    text = term.strip('"')
    if field == "cat":
        return lambda paper: any(fnmatchcase(c.lower(), text.lower()) for c in paper.categories)
    phrase = f" {' '.join(terms(text))} "
    if not phrase.strip() or (":" in text and text == term):
        raise MalformedQuery(f"{term} cannot be searched for")
    return lambda paper: phrase in f" {' '.join(terms(FIELDS[field](paper)))} "
