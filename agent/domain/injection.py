"""Finds stretches of fetched text that give orders to a language model.

What is found is suspicious, not proven, and what is not found is not safe: fetched text stays
data either way. Text is read as a model would read it: without invisible characters, letters of
other alphabets taken for what they look like. The rules are in injection_rules.py.
"""

from __future__ import annotations

import base64
import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Final

from agent.domain.injection_rules import (
    BASE64,
    DRESSED,
    EASTERN,
    GREEK_AND_CYRILLIC,
    HEAD,
    LEET,
    LEET_TRIGGERS,
    LOOKALIKE,
    MIXED,
    QUOTED,
    REPORTED,
    RULES,
    SPACED,
    TAGS,
    UNDRESSED,
    UNSEEN,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.domain.passages import Span

SENTENCE: Final = 300
"""Characters to either side of a match within which its sentence is looked for."""

DECODED: Final = 2_000
"""Characters of Base64 that are looked into: an order comes first, a picture is no order."""

SHORTEST_CODE: Final = 24
"""Characters of Base64 that hold an order: eighteen letters."""

FEW_CHARACTERS: Final = 3
"""Chinese before a quotation that is less than a sentence's beginning."""

BEFORE: Final = 200
AFTER: Final = 320
"""Characters around a trigger that a rule may reach."""

_SPACED: Final = {code: " " for code in range(128) if not chr(code).isalpha()}
_NO_LETTER: Final = re.compile(r"[\W_]")
_SENTENCE_END: Final = re.compile(r"[.!?]\s|[。！？\n]")


def injections(text: str) -> tuple[Span, ...]:
    """Return the sentences that address a model, as offsets, in order, not overlapping.

    A phrase that a sentence only mentions within quotation marks, or reports of somebody
    ("attackers tell it to ignore ..."), is left out: articles about such attacks are sources too.
    """
    read, places = _as_read(text)
    low = _lower(read)
    if not low.isascii() and LOOKALIKE.search(low):
        low = MIXED.sub(lambda match: match[0].translate(GREEK_AND_CYRILLIC), low)
    spans = [_sentence(low, *span) for span in (*_plain(low), *_disguised(low, read))]
    hidden = [match.span() for match in TAGS.finditer(text)] if not text.isascii() else []
    return _united([*hidden, *(_back(span, places, len(text)) for span in spans)])


def _as_read(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the text without what cannot be seen, and where its stretches stood."""
    if text.isascii():
        return text, [(0, 0)]
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    length = start = 0
    for match in UNSEEN.finditer(text):
        pieces.append(text[start : match.start()])
        places.append((length, start))
        length += match.start() - start
        start = match.end()
    places.append((length, start))
    seen = "".join([*pieces, text[start:]]).replace("’", "'").replace("\xa0", " ")
    return seen.translate(UNDRESSED) if DRESSED.search(seen) else seen, places


def _back(span: Span, places: list[tuple[int, int]], end: int) -> Span:
    """Return the offsets in the text of a stretch of the text as read."""
    first, last = (places[bisect_right(places, (at, end)) - 1] for at in (span[0], span[1] - 1))
    return first[1] + span[0] - first[0], last[1] + span[1] - last[0]


def _lower(text: str) -> str:
    """Lower the case one character for one: some capitals become two."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)


def _plain(low: str) -> Iterator[Span]:
    latin = _latin(low)
    heads = {word[:HEAD] for word in latin.translate(_SPACED).split()}
    eastern = not low.isascii() and EASTERN.search(low) is not None
    for rule in RULES:
        places = [
            (low if foreign else latin, trigger.text)
            for trigger in rule.triggers
            if not trigger.head or trigger.head in heads
            if not (foreign := not trigger.text.isascii()) or eastern or trigger.text[0] < "\u0400"
        ]
        for start, end in _windows(places):
            for match in rule.pattern.finditer(low, start, end):
                begin = match.start("order") if match.lastgroup == "order" else match.start()
                told = rule.is_order and REPORTED.search(low, max(0, begin - 40), begin)
                if not told and not _mentioned(low, begin, match.end()):
                    yield begin, match.end()


def _latin(low: str) -> str:
    """Return a text with a question mark for each foreign letter: searched twice as fast."""
    return low if low.isascii() else low.encode("ascii", errors="replace").decode("ascii")


def _windows(places: Iterable[tuple[str, str]]) -> tuple[Span, ...]:
    """Return the surroundings of the triggers in their texts: a rule can match nowhere else."""
    found: list[Span] = []
    for text, trigger in places:
        at = text.find(trigger)
        while at >= 0:
            found.append((max(0, at - BEFORE), min(len(text), at + AFTER)))
            at = text.find(trigger, at + AFTER // 2)
    return _united(found)


def _disguised(low: str, read: str) -> Iterator[Span]:
    """Find orders in digits for letters, spaced out, or in Base64."""
    latin = _latin(low)
    leet = latin.translate(LEET)
    if any(leet.count(trigger) > latin.count(trigger) for trigger in LEET_TRIGGERS):
        yield from (span for span in _plain(leet) if low[slice(*span)] != leet[slice(*span)])
    for match in SPACED.finditer(low):
        letters = _NO_LETTER.sub("", low[max(0, match.start() - 1) : match.end()])
        if any(trigger in letters for trigger in LEET_TRIGGERS):
            yield match.span()
    for code in {word for word in read.split() if len(word) >= SHORTEST_CODE}:
        for match in BASE64.finditer(code):
            if _decodes_to_orders(match[0]):
                at = read.index(match[0])
                yield at, at + len(match[0])


def _decodes_to_orders(code: str) -> bool:
    code = code[: DECODED // 4 * 4].rstrip("=")
    octets = base64.b64decode(code[: len(code) // 4 * 4] + _rest(code))
    decoded = octets.decode("utf-8", errors="replace").lower()
    return any(True for _ in _plain(decoded)) or any(word in decoded for word in LEET_TRIGGERS)


def _rest(code: str) -> str:
    rest = code[len(code) // 4 * 4 :]
    return rest + "=" * (-len(rest) % 4) if len(rest) > 1 else ""


def _mentioned(low: str, start: int, end: int) -> bool:
    """Whether a stretch stands within quotation marks inside a sentence of its own."""
    line = low.rfind("\n", max(0, start - SENTENCE), start) + 1 or max(0, start - SENTENCE)
    before = low[line:start]
    for opening, closing in QUOTED:
        at = before.rfind(opening)
        if at < 0 or closing in before[at + 1 :]:
            continue
        if opening == closing and before.count(opening) % 2 == 0:
            continue
        around = before[:at].strip()
        long_enough = len(around.split()) > 1 or (
            not around.isascii() and len(around) > FEW_CHARACTERS
        )
        if closing in low[end - 1 : end + SENTENCE] and long_enough:
            return True
    return False


def _sentence(low: str, start: int, end: int) -> Span:
    before = max(0, start - SENTENCE)
    for match in _SENTENCE_END.finditer(low, before, start):
        before = match.end()
    after = _SENTENCE_END.search(low, max(start, end - 1), end + SENTENCE)
    stop = after.end() if after else min(len(low), end + SENTENCE)
    inner = low[before : max(stop, end)]
    return before + len(inner) - len(inner.lstrip()), before + len(inner.rstrip())


def _united(spans: Iterable[Span]) -> tuple[Span, ...]:
    united: list[Span] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = (united[-1][0], max(end, united[-1][1]))
        else:
            united.append((start, end))
    return tuple(united)
