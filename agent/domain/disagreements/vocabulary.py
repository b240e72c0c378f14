"""Lists the words by which two sentences are told to speak of one thing, or of two."""

from __future__ import annotations

import re
from typing import Final

from agent.domain.support.opposites import SIDES
from agent.domain.support.words import stem

Place = tuple[int, bool]
"""An opposition and one of its two sides, as ``SIDES`` has them."""


def _axes(words: str) -> frozenset[int]:
    return frozenset(axis for word in words.split() for axis, _ in SIDES.get(word, ()))


CHANGE: Final = _axes("increase 增加")
"""The opposition of growing and shrinking: "rose to 5" and "was 5" state the same quantity."""

ACTS: Final = CHANGE | _axes(
    "exceed strengthen win succeed improve allow support accept outperform agree encourage enable "
    "confirm 改善 允许 支持 成功 超过 增强 加快"
)
"""Oppositions that are said of what a subject does, and so turn the sentence round."""

STATES: Final = _axes(
    "more higher high larger longer faster better best stronger strong hotter heavier earlier good "
    "positive advantage safe true easy cheap likely possible known important necessary "
    "significant effective 更多 高于 大于 快于 早于 优于 有利 正面"
)
"""Oppositions that turn a sentence round if they are its predicate: in "higher doses help" the
doses are another group. Oppositions left out of both (male, urban, first) only name groups."""

DIRECTIONS: Final[dict[str, frozenset[Place]]] = {
    word: frozenset(kept)
    for word, places in SIDES.items()
    if (kept := [place for place in places if place[0] in ACTS | STATES])
}

LIGHT: Final = frozenset(
    stem(word)
    for word in """
    be have reach reached reaches achieve achieved achieves attain attained attains obtain obtained
    get got score scored scores stand stands stood amount amounts amounted total totaled totalled
    overall account accounts accounted equal equals equalled remain remains remained hit become
    became come came put see seen find finds found show shows showed shown report reports reported
    estimate estimates estimated say says said suggest suggests suggested conclude concluded state
    states stated indicate indicates indicated reveal revealed demonstrate demonstrated believe
    appear appears observe observed note noted calculate calculated
    study studies researcher researchers author authors paper survey analysis analyses
    evidence trial trials review reviews result results finding findings experiment experiments
    effect figure number
    about around approximately roughly nearly almost some circa exactly just only currently now
    today already ever far well least average
    make makes made give gives given take takes took taken lead leads led associate associated
    link linked tend tends tended help helps helped contribute contributes contributed occur
    occurred happen happened there recently newly actually indeed
    """.split()
)
"""Words that say nothing of what is measured or affirmed."""

_ALIKE: Final = (
    "use used uses consume consumed consumes consumption require required requires need needed",
    "produce produced produces producing production generate generated generates generation output",
    "cost costs price prices priced",
    "inhabitant inhabitants resident residents population people live lives lived home",
    "found founded establish established",
    "finish finished complete completed open opened",
    "publish published release released launch launched",
    "decease die died dies death deaths mortality",
    "employ employs employed employee employees staff worker workers",
    "car cars automobile automobiles vehicle vehicles",
    "kid kids child children",
    "illness illnesses disease diseases",
    "firm firms company companies",
    "adult adults grown-up grown-ups",
    "worldwide global globally world",
    "run runs ran execute executes executed",
    "cause causes caused causing",
    "electricity power",
    "length long",
    "width wide",
    "height high tall",
    "depth deep",
    "weight weigh weighs weighed heavy",
)
SAME: Final = {
    stem(word): stem(line.split(maxsplit=1)[0]) for line in _ALIKE for word in line.split()
}
"""Words that name one thing, under one of them."""

RESTRICTING: Final = frozenset(
    "in among for at with without under during on from within across per when if where who whose "
    "aged between of before after until outside except by to than".split()
)
"""Words after which a sentence says of whom, where or when it holds."""

TELLING: Final = frozenset("without before after against during until outside".split())
"""Words of grammar without which a statement is another one."""

NO_ADVERBS: Final = frozenset(
    "early daily weekly monthly quarterly yearly hourly family supply assembly anomaly monopoly "
    "reply apply rely fly ally july italy".split()
)
"""Words in -ly that say what is spoken of, and do not only grade it."""

DETERMINERS: Final = frozenset("the a an its their his her this these those all both each".split())

VERBS: Final = frozenset(
    "is are was were be been being has have had remain remains remained show shows showed shown "
    "become became report reported reports perform performs performed run runs ran prove proved "
    "proves seem seems appear appears found find finds".split()
)
"""Words after which an adjective is the predicate."""

EVENTS: Final = frozenset(
    stem(word)
    for word in """
    found founded establish established born die died publish published release released launch
    launched begin began open opened discover discovered sign signed invent invented introduce
    introduced complete completed finish finished build built start started end ended close closed
    abolish abolished join joined
    """.split()
)
EVENTS_HAN: Final = re.compile(
    "成立|建成|发布|出生|去世|开业|发现|签署|发明|推出|建立|开始|结束|创立|完工|通车"
)
"""What happens once, so that two years for it cannot both be right."""

HEDGES: Final = frozenset("may might could sometimes possibly perhaps".split())
QUANTIFIERS: Final = frozenset(
    "some many most several few certain often usually always all every half".split()
)
"""Words under which a sentence and its denial may both be so."""
HAN_HEDGES: Final = re.compile(
    "可能|也许|或许|有时|部分|一些|大多|多数|不少|往往|通常|有些|并非所有|未必"
)

HAN_LIGHT: Final = re.compile(
    "根据|据|报道|报告|研究人员|研究者|研究|作者|论文|调查|数据|结果|证据|显示|表明|发现|指出|认为|估计|统计|证实|"
    "大约|约为|约|将近|接近|左右|达到|达|总计|总共|共有|共|合计|目前|如今|已经|已|仅为|仅|曾|"
    "使用了|消耗了|消耗|需要|耗费|使用|用了|具有|拥有|成为|能够|可以|通过|其中|以及|并且|而且|会|能|将|约有|"
    "大|为|有|是|的|了|在|从|由|于|个|到|至|把|被|让|使|使得|导致|令|对|这|该|其|也|都|就|与|和|及"
)
"""The same in Chinese; they are taken out before the rest is read character by character."""
