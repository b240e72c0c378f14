"""Lists words that turn a sentence round: negations, directions and opposites, certainty."""

from __future__ import annotations

import re
from typing import Final

NEGATIONS: Final = frozenset(
    "not no never none nobody nothing neither nor cannot without hardly scarcely barely "
    "fail fails failed failing lack lacks lacked lacking refuse refuses refused "
    "deny denies denied non".split()
)
HAN_NEGATION: Final = re.compile(
    "(?<![绝毫])(?:没有|没|沒|并未|未能|从未|尚未|不再|不会|不能|不是|不|未|无法|並未|無法|并非|非)"
    "(?![同断仅但过管论久少仅错足来必妨料免时可避])"
)

_PAIRS: Final = """
increase increased increasing increases rise rises rose risen rising grow grows grew grown
  growing growth gain gains gained climb climbs climbed climbing expand expands expanded
  expanding expansion surge surged soar soared upward up raise raises raised raising boost
  boosts boosted accelerate accelerates accelerated | decrease decreased decreasing decreases
  fall falls fell fallen falling decline declines declined declining drop drops dropped
  dropping shrink shrinks shrank shrunk shrinking contract contracted reduce reduces reduced
  reducing reduction loss downward down lower lowers lowered lowering cut cuts plunge plunged
  diminish diminished diminishes lessen lessens lessened;
more greater | less fewer lesser;
most | least fewest;
higher | lower;
high | low;
highest | lowest;
larger bigger | smaller;
large big | small little tiny;
largest biggest | smallest;
longer | shorter;
long | short brief;
longest | shortest;
faster quicker | slower;
fast quick rapid | slow;
fastest | slowest;
quickly rapidly | slowly gradually;
older | younger newer;
old | young new;
oldest | youngest newest;
earlier | later;
early | late;
earliest | latest;
better | worse;
good | bad poor;
best | worst;
stronger | weaker;
strong | weak;
strengthen strengthens strengthened | weaken weakens weakened;
hotter warmer | colder cooler;
hot warm | cold cool;
heavier | lighter;
heavy | light;
before prior preceding precede precedes preceded | after following follow follows followed;
first | last final;
above over exceed exceeds exceeded | below under beneath;
win wins won winning winner victory | lose loses lost losing loser defeat;
always | never;
all every | none no;
many | few;
often frequently usually | rarely seldom infrequently;
common | rare uncommon;
success successful succeed succeeds succeeded successfully | failure unsuccessful fail fails
  failed unsuccessfully;
improve improves improved improving improvement | worsen worsens worsened worsening
  deteriorate deteriorated impair impairs impaired;
allow allows allowed permit permits permitted legal | forbid forbids forbade forbidden
  prohibit prohibits prohibited ban bans banned prevent prevents prevented illegal;
support supports supported favor favors favored favour favours favoured | oppose opposes
  opposed;
accept accepts accepted approve approves approved | reject rejects rejected refuse refused;
positive positively | negative negatively;
advantage advantages benefit benefits beneficial | disadvantage disadvantages harm harms
  harmful drawback;
safe | dangerous unsafe;
same similar identical | different dissimilar;
include includes included including | exclude excludes excluded excluding;
open opens opened | close closes closed;
begin begins began begun start starts started | end ends ended stop stops stopped finish
  finished cease ceased;
enter enters entered join joins joined | leave leaves left exit exited quit;
north northern | south southern;
east eastern | west western;
northeast | southwest;
northwest | southeast;
left | right;
inside internal | outside external;
male men man | female women woman;
father | mother;
son | daughter;
brother | sister;
husband | wife;
king | queen;
born birth | died death dead;
alive living | dead deceased;
true | false;
public | private;
rich wealthy | poor;
maximum | minimum;
major | minor;
majority | minority;
top | bottom;
front | back;
ancient | modern;
future | past;
easy easier simple | difficult hard harder;
cheap cheaper | expensive costlier;
natural | artificial;
healthy | unhealthy sick;
likely | unlikely;
possible | impossible;
able | unable;
known | unknown;
popular | unpopular;
important | unimportant insignificant;
necessary | unnecessary;
significant significantly | insignificant insignificantly;
effective | ineffective;
active | inactive;
complete | incomplete;
direct | indirect;
dependent | independent;
regular | irregular;
professional | amateur;
domestic | foreign;
urban | rural;
upper | lower;
deep deeper | shallow shallower;
wide wider broad | narrow narrower;
full | empty;
wet | dry;
buy buys bought purchase purchased | sell sells sold;
lend lends lent | borrow borrows borrowed;
love loves loved like likes liked | hate hates hated dislike dislikes disliked;
agree agrees agreed | disagree disagrees disagreed;
create creates created build builds built | destroy destroys destroyed demolish demolished;
appear appears appeared | disappear disappears disappeared vanish vanished;
arrive arrives arrived | depart departs departed;
outperform outperforms outperformed surpass surpasses surpassed | underperform underperforms
  underperformed;
import imports imported | export exports exported;
attack attacks attacked | defend defends defended;
optimistic | pessimistic;
absent absence | present presence;
guilty | innocent;
victory | defeat;
profit profits | loss losses;
demand | supply;
input | output;
conservative | liberal;
encourage encourages encouraged | discourage discourages discouraged;
enable enables enabled | disable disables disabled prevent prevents prevented;
with | without;
hire hired | fire fired;
single | married;
day daytime | night nighttime;
summer | winter;
both | neither;
confirm confirms confirmed | deny denies denied refute refuted;
增加 增长 上升 提高 上涨 升高 增多 扩大 提升 增大 | 减少 下降 降低 下跌 减小 缩小 减弱 下滑 降至;
更多 多于 较多 | 更少 少于 较少;
高于 更高 较高 最高 | 低于 更低 较低 最低;
大于 更大 较大 最大 | 小于 更小 较小 最小;
最多 | 最少;
快于 更快 最快 | 慢于 更慢 最慢;
早于 更早 最早 | 晚于 更晚 最晚;
优于 好于 更好 最好 | 劣于 差于 更差 最差;
之前 以前 | 之后 以后;
改善 好转 | 恶化;
支持 赞成 | 反对;
允许 准许 | 禁止 不准;
成功 | 失败;
超过 | 不足 低于;
强于 增强 更强 | 弱于 减弱 更弱;
有利 有益 | 不利 有害;
正面 积极 | 负面 消极;
开始 | 结束 停止;
加快 加速 | 减慢 放缓;
全部 所有 | 部分 少数;
进口 | 出口;
男性 | 女性;
盈利 | 亏损
"""
"""Oppositions, with a bar between their two sides. A word may stand in several."""

CERTAINTIES: Final = frozenset(
    """
    will must always all every entirely completely proves proved proven definitely certainly only
    never guarantees guaranteed exclusively solely 一定 必然 总是 全部 所有 完全 证明 必须
    """.split()
)
"""Words that leave no room for doubt."""


def _sides() -> dict[str, tuple[tuple[int, bool], ...]]:
    """Return, for each word, the oppositions it stands in and on which side."""
    found: dict[str, tuple[tuple[int, bool], ...]] = {}
    for axis, pair in enumerate(_PAIRS.split(";")):
        for side, line in enumerate(pair.split("|")):
            for word in line.split():
                found[word] = (*found.get(word, ()), (axis, bool(side)))
    return found


SIDES: Final = _sides()
