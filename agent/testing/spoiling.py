"""Makes false sentences and false quotes out of true ones, and says which words it planted.

Every function returns None where a text offers no hold for its kind of falsehood.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

MOST_TRIES: Final = 20
"""Draws until a number is one that stands nowhere; the second is hardly ever needed."""


@dataclass(frozen=True, slots=True)
class Spoiled:
    """A false text, and the words in it that make it so."""

    text: str
    words: str


_NUMBER: Final = re.compile(r"(?<![\w.,/-])\d[\d,]*(?:\.\d+)?(?![\w/-])")
_END: Final = re.compile(r"[.!?。！？]?[\"'”’)」』）]*$")
_HAN: Final = re.compile(r"[\u4e00-\u9fff]")


def with_another_number(sentence: str, read: str, chance: Random) -> Spoiled | None:
    """Put a number that stands nowhere in what was ``read`` in place of one, or add it."""
    numbers = list(_NUMBER.finditer(sentence))
    here = chance.choice(numbers) if numbers else None
    for _ in range(MOST_TRIES):
        new = _like(here[0] if here else "00.0", chance)
        if new not in read:
            break
    else:
        return None
    if here:
        return Spoiled(f"{sentence[: here.start()]}{new}{sentence[here.end() :]}", new)
    clause = f"，约占 {new}%" if _HAN.search(sentence) else f", by {new} % on average"
    end = _END.search(sentence)
    at = end.start() if end else len(sentence)
    return Spoiled(f"{sentence[:at]}{clause}{sentence[at:]}", new)


def _like(number: str, chance: Random) -> str:
    """Return a number with as many digits, and none at the front that is 0."""
    digits = re.sub(r"\d", lambda _: str(chance.randint(1, 9)), number)
    return digits if len(digits) > 1 else str(chance.randint(11, 99))


_REMOVALS: Final = (
    (re.compile(r"\bcannot\b", re.IGNORECASE), "can"),
    (re.compile(r"\bcan't\b", re.IGNORECASE), "can"),
    (re.compile(r"\bwon't\b", re.IGNORECASE), "will"),
    (re.compile(r"(?<=[a-z])n['’]t\b"), ""),
    (re.compile(r"(?<!or) not(?! only| least| just| merely| necessarily)\b"), ""),
    (re.compile(r"\bnever\b"), "always"),
    (re.compile(r"没有"), "有"),
    (re.compile(r"不(?=是|能|会|需要|可以)"), ""),
)
_INSERTIONS: Final = (
    re.compile(
        r"\b(?:is|are|was|were|can|will|should|must|would|could)\b"
        r"(?! not| only|n['’]t)"
    ),
    re.compile(r"\b(?:has|have|had)\b(?= (?:been|made|shown|grown|become|\w+ed)\b)"),
)
_VERBS: Final = dict(
    pair.split("/")
    for pair in (
        "costs/does-cost takes/does-take needs/does-need holds/does-hold reads/does-read "
        "shows/does-show keeps/does-keep makes/does-make gives/does-give finds/does-find "
        "requires/does-require contains/does-contain measures/does-measure works/does-work "
        "falls/does-fall rises/does-rise grows/does-grow reaches/does-reach loses/does-lose "
        "fell/did-fall rose/did-rise took/did-take found/did-find grew/did-grow "
        "showed/did-show reached/did-reach answered/did-answer "
        "contained/did-contain lowered/did-lower raised/did-raise improved/did-improve"
    ).split()
)
_VERB: Final = re.compile(rf"(?<=[a-z)] )(?:{'|'.join(_VERBS)})(?= (?:[a-z\d]|[A-Z]))")
_BEEN: Final = re.compile(r"\b(?:is|are|was|were|be|been|being|has|have|had)\b[^,;:]*$")
_CLAUSE: Final = re.compile(r"(?:[^,;:]|[,:](?=\d))+")
_DENIAL: Final = re.compile(
    r"\b(?:no|nobody|none|nothing|neither|nor|never|not)\b|n['’]t\b", re.IGNORECASE
)
_HAN_INSERTION: Final = re.compile(r"(?<!不)(?:是(?!否|不)|能够?|会|可以|需要)")


def negated(sentence: str, chance: Random) -> Spoiled | None:
    """Say no where the sentence says yes, or yes where it says no."""
    for pattern, instead in _REMOVALS:
        if found := pattern.search(sentence):
            text = f"{sentence[: found.start()]}{instead}{sentence[found.end() :]}"
            return Spoiled(text, f"-{found[0].strip()}")
    ends = [
        clause.start() + found.end()
        for clause in _CLAUSE.finditer(sentence)
        if not _DENIAL.search(clause[0])  # nobody denies twice in one breath
        for pattern in _INSERTIONS
        for found in pattern.finditer(clause[0])
    ]
    if ends:
        at = chance.choice(ends)
        return Spoiled(f"{sentence[:at]} not{sentence[at:]}", "not")
    return _denied(sentence) or _denied_in_chinese(sentence)


def _denied(sentence: str) -> Spoiled | None:
    """Say "does not cost" for "costs", unless the word may be a participle or a noun there."""
    for clause in _CLAUSE.finditer(sentence):
        found = _VERB.search(clause[0])
        if found and not _DENIAL.search(clause[0]) and not _BEEN.search(clause[0][: found.start()]):
            does, verb = _VERBS[found[0]].split("-")
            start, end = clause.start() + found.start(), clause.start() + found.end()
            return Spoiled(f"{sentence[:start]}{does} not {verb}{sentence[end:]}", f"{does} not")
    return None


def _denied_in_chinese(sentence: str) -> Spoiled | None:
    if found := _HAN_INSERTION.search(sentence):
        return Spoiled(f"{sentence[: found.start()]}不{sentence[found.start() :]}", "不")
    return None


_NAME: Final = re.compile(
    r"(?<![A-Za-z0-9-])(?:[A-Z][A-Za-z]*\d[\w.-]*\w|[A-Z]{2,}[a-z]?|[A-Z][a-z]+[A-Z]\w+"
    r"|[A-Z][a-z]{2,})(?![A-Za-z0-9-])"
)
_PLAIN: Final = re.compile(r"[A-Z][a-z]+")
_NO_NAMES: Final = frozenset(
    "The This That These Those And But For With From Its Their They When Where What Which Who Why "
    "How Not Yes All Any Each Every Some Most One Two Three If In On At By As Because While Since "
    "Although Though However Also Our Your His Her There Then Than "
    "January February March April May June July August September October November December "
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
)
_MADE_UP: Final = ("Norvale", "Tessaly Institute", "QX-70", "Harrowgate", "Lindqvist")


def with_another_name(sentence: str, read: str, chance: Random) -> Spoiled | None:
    """Put another name in place of one: mostly one that was ``read``, as confused models do."""
    here = names(sentence)
    if not here:
        return None
    old = chance.choice(here)
    others = [name for name in sorted(set(_all_names(read))) if _differs(name, sentence)]
    new = chance.choice(others or list(_MADE_UP))
    return Spoiled(re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", new, sentence), new)


def names(sentence: str) -> list[str]:
    """Return the names in a sentence; its first word is one only if no plain word is so spelt."""
    return [
        found[0]
        for found in _NAME.finditer(sentence)
        if found[0] not in _NO_NAMES
        and (not _PLAIN.fullmatch(found[0]) or _within(sentence[: found.start()]))
    ]


def _within(before: str) -> bool:
    """Whether a word behind this stands within a sentence, where only names are capitalised."""
    return re.search(r"[\w,)’'-]\s+$", before) is not None


def _all_names(read: str) -> list[str]:
    return [name for line in read.split("\n") for name in names(line)]


def _differs(name: str, sentence: str) -> bool:
    """Whether a name is none in the sentence: not in another number, nor as a part of one."""
    low = name.lower().rstrip("s")
    here = [word.lower().rstrip("s") for word in re.findall(r"[A-Za-z][\w-]*", sentence)]
    return all(low not in word and word not in low for word in here if len(word) > 1)


_INVENTED: Final = (
    "An internal review completed in the same year reached the opposite conclusion.",
    "Independent auditors later confirmed every part of this without reservation.",
    "The committee put this on record in the closing statement of its annual session.",
)
_LONG_WORD: Final = re.compile(r"\b[a-z]{6,}\b")
_OTHER_WORDS: Final = ("turbines", "parliament", "orchards", "violins", "glaciers")


def with_invented_words(quote: str, chance: Random) -> Spoiled:
    """Return a quote that stands nowhere: made up, one word changed, or turned round."""
    words = quote.split()
    kind = chance.randrange(3)
    if kind == 0 or len(words) < len(_INVENTED):
        invented = chance.choice(_INVENTED)
        return Spoiled(invented, invented)
    if kind == 1 and (places := list(_LONG_WORD.finditer(quote))):
        found, new = chance.choice(places), chance.choice(_OTHER_WORDS)
        text = f"{quote[: found.start()]}{new}{quote[found.end() :]}"
        return Spoiled(text, text)
    half = len(words) // 2
    turned = " ".join((*words[half:], *words[:half]))
    return Spoiled(turned, turned)


def invented_passage(cited: str, chance: Random) -> Spoiled:
    """Return the id of a passage that does not exist: of no source, beyond one's end, or no id."""
    source = cited.partition(".")[0]
    number = chance.randint(500, 999)
    id_ = chance.choice((f"S{number}.1", f"{source}.{number}", f"doc-{number}", f"[{number}]"))
    return Spoiled(id_, id_)
