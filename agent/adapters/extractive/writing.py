"""How the extractive model writes: it picks the sentences that answer, and quotes them whole."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from agent.adapters.extractive.vocabulary import vocabulary
from agent.domain.language import same_script
from agent.domain.numbers import facts
from agent.domain.passages import sentences
from agent.domain.quotes import word_count
from agent.domain.ranking import scores, terms
from agent.templating import LINE_END

CLAIMS_A_SECTION: Final = 5
CLAIMS_A_SOURCE: Final = 4
"""No source may carry a report alone where others speak too."""
CUE: Final = 0.6
USED: Final = 0.5
"""What a cue word adds to a sentence's relevance (at most 1), and what each earlier quote of the
same source takes away: chosen on the demo world, for reports that rest on many sources."""
SAME: Final = 0.6
"""Two sentences sharing this much of their words (Jaccard) say the same."""
FEWEST_WORDS: Final = 7
MOST_WORDS: Final = 60

_DANGLING: Final = re.compile(
    r"(?:This|That|These|Those|It|Its|They|Their|He|She|His|Her|We|Our|I|You|Such|However|But|And|"
    r"So|Yet|Thus|Hence|Therefore|Moreover|Furthermore|Instead|Otherwise|Meanwhile|Then|Here|There|"
    r"For (?:that|this)|With (?:that|this)|In (?:that|this)|Figure|Table|Section|Click|Subscribe|"
    r"Read|See)\b"
    r"|[这那它此该其但而]|他们|反过来|因此|所以|不过|然而|此外|同时|另外|例如|我们|本文"
)
_PASSAGE: Final = re.compile(r"^(S\d+\.\d+) (.+)$")
_COMPLETE: Final = re.compile(r"[.!。！][\"'”’)」』）]*$")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that could be quoted."""

    passage: str
    sentence: str
    terms: tuple[str, ...]
    relevance: float

    @property
    def source(self) -> str:
        """The id of the source it stands in."""
        return self.passage.partition(".")[0]


def outline(prompt: str) -> dict[str, object]:
    """Fill OutlineReply: a section for each sub-question that something can be quoted for."""
    evidence = _evidence(prompt)
    chosen = _chosen(evidence)
    return {
        "sections": [
            {"title": _title(question, evidence), "sub_questions": [id_]}
            for id_, question in _sub_questions(evidence)
            if chosen[id_]
        ]
    }


def section(prompt: str) -> dict[str, object]:
    """Fill SectionReply: the chosen sentences of the sub-questions this section answers."""
    number = re.search(r"^Write section (\d+)", prompt, re.MULTILINE)
    plan = re.search(
        rf"^section {number[1] if number else 1}: .*\(([^()]*)\)$", prompt, re.MULTILINE
    )
    mine = re.split(r",\s*", plan[1]) if plan else []
    chosen = _chosen(_evidence(prompt))
    told = re.search(r"^At most (\d+) claims", prompt, re.MULTILINE)
    claims = [
        {
            "sentence": candidate.sentence,
            "citations": [{"passage": candidate.passage, "quote": candidate.sentence}],
        }
        for id_ in mine
        for candidate in chosen.get(id_, ())
    ]
    return {"claims": claims[: int(told[1])] if told else claims}


def excerpt(prompt: str) -> dict[str, object]:
    """Fill ExcerptReply: the sentence of each passage that answers best, if one does."""
    evidence = _evidence(prompt)
    candidates = _candidates(evidence)
    fits = [_fits(question, evidence, candidates) for _, question in _sub_questions(evidence)]
    best: dict[str, tuple[float, str]] = {}
    for index, candidate in enumerate(candidates):
        fit = max((each[index] for each in fits), default=0.0)
        if fit > 0:
            best[candidate.passage] = max(
                best.get(candidate.passage, (0.0, "")), (fit, candidate.sentence)
            )
    return {"quotes": [{"passage": id_, "quote": said} for id_, (_, said) in best.items()]}


def summary(prompt: str) -> dict[str, object]:
    """Fill SummaryReply: the first claim of each part, word for word."""
    firsts = re.findall(r"^part \d+: .*\n(c\d+): (.+)$", prompt, re.MULTILINE)
    told = re.search(r"at most (\d+) `sentences`", prompt)
    most = int(told[1]) if told else len(firsts)
    return {"sentences": [{"sentence": said, "claims": [id_]} for id_, said in firsts[:most]]}


def _evidence(prompt: str) -> str:
    """Return the part of the prompt that the outline and all sections share."""
    return re.split(
        r"^(?:Write the outline|The outline|These are a part)\b", prompt, flags=re.MULTILINE
    )[0]


@lru_cache(maxsize=8)
def _chosen(evidence: str) -> dict[str, tuple[Candidate, ...]]:
    """Deal the best sentences out to the sub-questions, each sentence to one, in turn."""
    candidates = _candidates(evidence)
    questions = _sub_questions(evidence)
    fits = {id_: _fits(question, evidence, candidates) for id_, question in questions}
    chosen: dict[str, list[Candidate]] = {id_: [] for id_, _ in questions}
    used: Counter[str] = Counter()
    for _ in range(CLAIMS_A_SECTION):
        for id_, _question in questions:
            taken = [candidate for section in chosen.values() for candidate in section]
            best = _best(candidates, fits[id_], used, taken)
            if best is not None:
                chosen[id_].append(best)
                used[best.source] += 1
    return {id_: tuple(section) for id_, section in chosen.items()}


def _best(
    candidates: tuple[Candidate, ...],
    fits: list[float],
    used: Counter[str],
    taken: list[Candidate],
) -> Candidate | None:
    """Return the best sentence left: it fits, its source is not worn out, nothing said it yet."""
    ranked = sorted(
        (
            (fit / (1 + USED * used[candidate.source]), -index)
            for index, (candidate, fit) in enumerate(zip(candidates, fits, strict=True))
            if fit > 0 and used[candidate.source] < CLAIMS_A_SOURCE
        ),
        reverse=True,
    )
    for _, index in ranked:
        candidate = candidates[-index]
        if not any(_say_the_same(candidate, other) for other in taken):
            return candidate
    return None


def _candidates(evidence: str) -> tuple[Candidate, ...]:
    """Return the sentences that stand on their own and speak of the question, in reading order."""
    language = _line(evidence, "language")
    found = [
        (match[1], sentence)
        for line in evidence.split("\n")
        if (match := _PASSAGE.match(line))
        for written in match[2].split(LINE_END)
        for sentence in (written[start:end] for start, end in sentences(written))
        if _quotable(sentence)
    ]
    own = [(id_, sentence) for id_, sentence in found if same_script(sentence, language)]
    words = [tuple(terms(sentence)) for _, sentence in own or found]
    question = _line(evidence, "question")
    relevance = scores(question, words)
    highest = max(relevance, default=0.0) or 1.0
    wanted = set(terms(question))
    return tuple(
        Candidate(passage, sentence, of, score / highest)
        for (passage, sentence), of, score in zip(own or found, words, relevance, strict=True)
        if len(wanted.intersection(of)) >= min(2, len(wanted))
    )


def _fits(question: str, evidence: str, candidates: tuple[Candidate, ...]) -> list[float]:
    """Return how well each sentence answers a sub-question: relevance, and its cue words."""
    facet = vocabulary(_line(evidence, "language")).facet_of(question)
    if facet is None:
        near = scores(question, [candidate.terms for candidate in candidates])
        highest = max(near, default=0.0) or 1.0
        return [score / highest for score in near]
    return [
        candidate.relevance + CUE * min(1.0, _cues(candidate.sentence, facet.cues) / 2)
        for candidate in candidates
    ]


def _cues(sentence: str, cues: frozenset[str]) -> int:
    words = set(re.findall(r"[a-z]+|%", sentence.lower()))
    return len(words & cues) + sum(1 for cue in cues if not cue.isascii() and cue in sentence)


def _quotable(sentence: str) -> bool:
    return (
        FEWEST_WORDS <= word_count(sentence) <= MOST_WORDS
        and _COMPLETE.search(sentence) is not None
        and not _DANGLING.match(sentence)
        and (sentence[0].isupper() or sentence[0].isdigit() or not sentence[0].isascii())
        and "http" not in sentence
    )


def _say_the_same(one: Candidate, other: Candidate) -> bool:
    """Whether two sentences share most words; with other numbers they contradict each other."""
    left, right = set(one.terms), set(other.terms)
    alike = len(left & right) > SAME * len(left | right)
    return alike and facts(one.sentence) == facts(other.sentence)


def _sub_questions(evidence: str) -> list[tuple[str, str]]:
    return re.findall(r"^(q\d+): (.+)$", evidence, re.MULTILINE)


def _title(question: str, evidence: str) -> str:
    facet = vocabulary(_line(evidence, "language")).facet_of(question)
    return facet.title if facet else question.rstrip("?？ ")


def _line(evidence: str, name: str) -> str:
    found = re.search(rf"^{name}: (.*)$", evidence, re.MULTILINE)
    return found[1].strip() if found else ""
