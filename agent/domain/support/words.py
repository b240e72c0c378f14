"""Cuts text into words that can be compared: lower case, stemmed, Chinese as pairs of characters.

How rare a word is, is guessed from what it looks like (its length, a digit, a capital letter), so
that no table of frequencies is needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from agent.domain.passages import sentences
from agent.domain.ranking import STOP_CHARACTERS, STOP_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

CJK: Final = "\u3400-\u4dbf\u4e00-\u9fff\u3040-\u30ff\uac00-\ud7af"
_REFERENCE: Final = re.compile(r"\[\d{1,3}\]|https?://\S+|\*\*")
_WORD: Final = re.compile(rf"\d+(?:[.,]\d+)+|[A-Za-z0-9À-ɏͰ-῿]+(?:['’][A-Za-zÀ-ɏ]+)?|[{CJK}]+")
_HAN: Final = re.compile(rf"[{CJK}]")
_PLAIN_WORDS: Final = STOP_WORDS.union(
    """
    i me my he she him her his hers they them we us you your it its itself himself herself
    themselves who whom whose which that this these those there here am is are was were be
    been being do does did done doing have has had having will would shall should can
    could may might must a an the and or but nor so yet if then than as at by for from in
    into of off on onto out over to up with within about after before between during
    through under upon while when where why how what also just very too even still only
    own same such each both all any some most more many much other another not no nor
    never one's s t re ve ll d m according well however therefore thus like including
    include includes several various
    """.split()
)
_NUMERALS: Final = {
    word: str(value)
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()
    )
} | {"first": "1st", "second": "2nd", "third": "3rd", "fourth": "4th", "fifth": "5th"}
_FORMS: Final = """
be is are was were been being | have has had having | do does did done doing | go goes went
gone | win wins won winning | lose loses lost losing | write writes wrote written writing |
sing sings sang sung singing | begin begins began begun beginning | grow grows grew grown |
rise rises rose risen rising | fall falls fell fallen falling | become becomes became | find
finds found | make makes made making | take takes took taken taking | give gives gave given
giving | hold holds held | lead leads led | build builds built | buy buys bought | sell sells
sold | know knows knew known | see sees saw seen | run runs ran running | come comes came
coming | show shows showed shown | tell tells told | say says said | think thinks thought |
leave leaves left | keep keeps kept | bring brings brought | teach teaches taught | fight
fights fought | choose chooses chose chosen | drive drives drove driven | speak speaks spoke
spoken | break breaks broke broken | draw draws drew drawn | man men | woman women | child
children | person people | foot feet | life lives | wife wives | use uses used using | die
dies died dying death | lie lies lay lain | pay pays paid | send sends sent | spend spends
spent | meet meets met | stand stands stood | feel feels felt | mean means meant | understand
understands understood | get gets got gotten | bear born births birth | choice choose | large
larger largest | big bigger biggest | high higher highest | low lower lowest | small smaller
smallest | old older oldest | young younger youngest | early earlier earliest | late later
latest | analysis analyses
"""
_IRREGULAR: Final = {
    form: base
    for line in _FORMS.split("|")
    for base, *forms in [line.split()]
    for form in (base, *forms)
}
_ENDINGS: Final = (
    ("ization", "ize"), ("ational", "ate"), ("fulness", "ful"), ("iveness", "ive"), ("ations", ""),
    ("ation", ""), ("ments", ""), ("ment", ""), ("ingly", ""), ("ities", ""), ("ity", ""),
    ("ness", ""), ("ings", ""), ("ing", ""), ("edly", ""), ("ions", ""), ("ion", ""),
    ("ies", "y"), ("ied", "y"), ("ers", ""), ("er", ""), ("ors", ""), ("or", ""), ("ed", ""),
    ("ly", ""), ("es", ""), ("s", ""),
)  # fmt: skip
_SHORTEST_STEM: Final = 4
SHORTEST_KIN: Final = 6
"""Letters two words need to be kin when their first five agree (publish, publicity)."""
PLAIN_WEIGHT: Final = 0.12
"""Weight of a word of grammar beside 1.0 for a short word of content."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one sentence, in order: as written, as compared, and what each weighs."""

    written: tuple[str, ...]
    stems: tuple[str, ...]


def without_references(text: str) -> str:
    """Take out reference numbers, addresses and marks of emphasis."""
    return _REFERENCE.sub(" ", text)


def words(text: str) -> Words:
    """Return the words of a sentence; a run of Chinese characters gives its overlapping pairs."""
    written: list[str] = []
    for token in _WORD.findall(text):
        if _HAN.match(token):
            written += [token[i : i + 2] for i in range(max(1, len(token) - 1))]
        else:
            written.append(token)
    return Words(tuple(written), tuple(map(stem, written)))


def joined(parts: Sequence[Words]) -> Words:
    """Return several sentences as one."""
    if len(parts) == 1:
        return parts[0]
    return Words(
        tuple(word for part in parts for word in part.written),
        tuple(word for part in parts for word in part.stems),
    )


def without(sentence: Words, places: Sequence[int]) -> Words:
    """Return a sentence less the words at some places."""
    if not places:
        return sentence
    gone = set(places)
    return Words(
        tuple(word for at, word in enumerate(sentence.written) if at not in gone),
        tuple(word for at, word in enumerate(sentence.stems) if at not in gone),
    )


def split(text: str) -> list[str]:
    """Return the sentences of a text."""
    return [text[start:end] for start, end in sentences(text)]


@lru_cache(maxsize=65_536)
def stem(written: str) -> str:
    """Return the form under which a word is compared."""
    word = written.lower().replace("’", "'").removesuffix("'s").replace(",", "")
    if not word.isascii() and _HAN.match(word):
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word in _NUMERALS:
        return _NUMERALS[word]
    if word in _PLAIN_WORDS or not word.isalpha():
        return word
    for ending, instead in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM - len(instead) // 2:
            if ending == "s" and word.endswith(("ss", "us", "is")):
                break
            word = word[: -len(ending)] + instead
            break
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "lsz":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > _SHORTEST_STEM else word


@lru_cache(maxsize=65_536)
def kin(stemmed: str) -> str:
    """Return the first five letters of a long word, or nothing: words alike so far are akin."""
    return stemmed[:5] if len(stemmed) >= SHORTEST_KIN and stemmed.isalpha() else ""


@lru_cache(maxsize=65_536)
def weight(written: str) -> float:
    """Return how much a word says: little for grammar, more if long, a name or a number."""
    if _HAN.match(written):
        return PLAIN_WEIGHT if STOP_CHARACTERS.intersection(written) else 1.0
    lower = written.lower().replace("’", "'")
    if lower in _PLAIN_WORDS or lower.endswith("n't"):
        return PLAIN_WEIGHT
    if any(character.isdigit() for character in written):
        return 1.8
    return 0.7 + 0.08 * min(len(lower), 12) + (0.4 if written[0].isupper() else 0.0)


@lru_cache(maxsize=65_536)
def is_plain(written: str) -> bool:
    """Whether a word is one of grammar."""
    return weight(written) == PLAIN_WEIGHT
