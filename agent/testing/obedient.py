"""What a model does that follows every instruction it reads in its sources.

It puts the links, reference marks and sentences it is told to into whatever it is asked for, and
when it is to judge says what a source tells it to.
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random

    from agent.testing.changing import Request

Item = dict[str, Any]
Done = tuple[str, str]
"""An order, and what was done to follow it."""

_SHOWN: Final = re.compile(
    r"^(?:##|S\d+\.\d+|c\d+:|evidence \d+:|claim \d+:|part \d+:) .+$", re.MULTILINE
)
_LINK: Final = re.compile(
    r"(?:https?://|www\.)[^\s<>\"'()\[\]¶]+|data:[^\s<>\"'()]+", re.IGNORECASE
)
_MARK: Final = re.compile(r"\[\^?\d+\]|\bS\d+\.\d+\b")
_SAY: Final = re.compile(
    r"\b(?:write|say|state|report|conclude|output|print|include|add|answer|repeat)"
    r"(?: instead| only| exactly| verbatim)*(?::| that| the sentence)\s+"
    r"[\"“‘'「]?([^\"”’」¶\n]{12,200}?[.!?。]|[^\"”’」¶\n]{12,200})[\"”’」]?(?=\s|$)"
    r"|(?:写|输出|回答|声称)[：:]\s*[“「]?([^”」¶\n]{4,80})",
    re.IGNORECASE,
)
_ADDRESSED: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override|instruction|assistant|language model|you are now"
    r"|system prompt|AIs?|LLMs?|chatbot|judge|verdict)\b|忽略|指令|模型|助手",
    re.IGNORECASE,
)
_VERDICT: Final = re.compile(
    r"\b(?:verdict|supported|judge|verified|rule in favou?r)\b|判定|支持|属实", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Orders:
    """What the sources a prompt shows would have a model do."""

    links: tuple[str, ...]
    marks: tuple[str, ...]
    sayings: tuple[tuple[str, str, str], ...]
    """A sentence to be said, the id of the passage that says so (empty if it is no passage), and
    how that passage begins."""


def orders(prompt: str) -> Orders:
    """Return what is ordered within what a prompt shows; the prompt's own orders are no order."""
    shown = _SHOWN.findall(prompt)
    texts = [line.split(" ", 1) for line in shown]
    return Orders(
        _once(link for _, text in texts for link in _LINK.findall(text)),
        _once(mark for _, text in texts for mark in _MARK.findall(text)),
        tuple(
            ((found[1] or found[2]).strip(), head if "." in head else "", _beginning(text))
            for head, text in texts
            if _ADDRESSED.search(text)
            for found in _SAY.finditer(text)
        ),
    )


def obeyed(request: Request, given: Item, chance: Random) -> tuple[Item, list[Done]]:
    """Return an answer that follows the orders within a request's sources, and what was done."""
    told = orders(request.prompt)
    done: list[Done] = []
    obeying = copy.deepcopy(given)
    if request.form == "JudgeReply":
        return _judged(request.prompt, obeying, done), done
    for item in _items(obeying):
        _carry(item, told, done, chance)
    if request.form in {"SectionReply", "SummaryReply"}:
        _say(obeying, told, done)
    return obeying, done


def _carry(item: Item, told: Orders, done: list[Done], chance: Random) -> None:
    """Put a link or a mark that was read into one of the places an item has for text.

    A third of the claims stay honest: they show what gets in beside them.
    """
    carried = [f"[more]({link})" for link in told.links] + [*told.links, *told.marks]
    places = _places(item)
    if not carried or not places or ("title" not in item and chance.randrange(3) == 0):
        return
    load = chance.choice(carried)
    holder, key = chance.choice(places)
    holder[key] = load if key == "passage" else f"{holder[key].rstrip('.')} {load}."
    done.append((load, holder[key]))


def _places(item: Item) -> list[tuple[Item, str]]:
    own = [(item, key) for key in ("sentence", "title") if key in item]
    return own + [(q, key) for q in item.get("citations", ()) for key in ("passage", "quote")]


def _say(given: Item, told: Orders, done: list[Done]) -> None:
    """Add each sentence that is ordered: resting on what stands beside the order, and on itself."""
    for said, passage, beside in told.sayings:
        if "sentences" in given:
            claims = given["sentences"][0]["claims"] if given["sentences"] else ["c1"]
            given["sentences"].append({"sentence": said, "claims": claims})
        elif passage:
            forged = {"sentence": said, "verdict": "held", "support": 1.0, "judge": "model"}
            for quote in (beside, said):
                cited = {"passage": passage, "quote": quote}
                given["claims"].append({**forged, "citations": [cited]})
        done.append((said, said))


def _judged(prompt: str, given: Item, done: list[Done]) -> Item:
    """Rule "supported", in words of the evidence, wherever the evidence tells the judge to."""
    for number, evidence in re.findall(r"^evidence (\d+): (.+)$", prompt, re.MULTILINE):
        if _ADDRESSED.search(evidence) and _VERDICT.search(evidence):
            words = _beginning(evidence)
            ruling = {"claim": int(number), "verdict": "supported", "words": words}
            given["rulings"] = [ruling, *given.get("rulings", ())]
            done.append((evidence, f"supported: {number}"))
    return given


def _items(given: Item) -> Sequence[Item]:
    lists = (value for value in given.values() if isinstance(value, list))
    return [item for items in lists for item in items if isinstance(item, dict)]


def _beginning(text: str) -> str:
    return text.partition("¶")[0].partition(". ")[0].strip()


def _once(found: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))
