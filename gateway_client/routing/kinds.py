"""Tells what kind of task a prompt is: from the caller's tag, or else from telling words."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

WORDS: Final = re.compile(r"[^\W\d_\u3040-\u9fff\uac00-\ud7af]+")
"""Words of scripts that put spaces between them; of others, telling strings are looked for."""

_NUMBERS: Final = re.compile(r"\d+(?:[.,]\d+)*")
_LATEX: Final = re.compile(r"\\(?!boxed)[a-z]{2,}|\$(?!\d[\d,.]*\s)[^$\n]{1,80}\$|[_^]\{|\bf\(x\)")
_CODE: Final = re.compile(
    r"[{};]\s*\n|(?<=\w)(?:\(\w*[),]|_(?=\w)|\.\w+\()|[=!]=|[-=]>|>>>|</(?=\w)|```|::"
)
_NAMES: Final = re.compile(r"(?<=[a-z,] )[A-Z]\w")
_OPTIONS: Final = re.compile(r"(?<!\S)\(?[a-h][.):、：]\s*\S")
_SENTENCES: Final = re.compile(r"[.?!;:](?=\s|$)|[。？！；\n]")

EDGE: Final = 50
"""Words looked at on either side for what is to be done: what stands between is what it is done
to, and may speak of anything."""

LONG: Final = 900
"""Characters from which a prompt without any telling word is taken to be about a document."""

FEW_WORDS: Final = 8
SOME_CODE: Final = 6
SOME_OPTIONS: Final = 3
SOME_NUMBERS: Final = 2
SOME_SCIENCE: Final = 3


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NUMBER_WORDS: Final = _words(
    "two three four five six seven eight nine ten eleven twelve twenty thirty fifty hundred half"
    " twice third quarter double triple dozen"
)
STEP_WORDS: Final = _words(
    "first second then after before next finally twice half remaining left total another also"
    " altogether each per more less than rest step steps"
)
CONDITION_WORDS: Final = _words(
    "must should exactly least most only without each every if unless except neither nor not such"
    " given suppose assume respectively either directly between never always both until"
)
COUNT_WORDS: Final = _words("many much long far old fast")
_FACT: Final = _words("who whom whose when where which what name")
_LOOKED_UP: Final = _words("who whom whose when where")
REASON_WORDS: Final = _words("why how explain reason cause")
ANALYSE_WORDS: Final = _words(
    "analyze analyse compare contrast evaluate critique tradeoff tradeoffs architecture strategy"
    " design plan diagnose justify derive argue implications assess propose"
)
_GREETINGS: Final = _words(
    "hi hello hey thanks thank bye ok okay yes no sure morning evening hola bonjour hallo gracias"
    " merci danke ciao"
)
_PUZZLE: Final = _words("clue clues knave knaves knights zebra liar liars truthteller logicgrid")
_TRANSLATE: Final = _words(
    "translate translation translated traduire traduis traduce traducir traduza übersetze"
    " übersetzen"
)
_SUMMARISE: Final = _words(
    "summarize summarise summary summaries tldr takeaways condense abridge résumé résume"
    " zusammenfassen zusammenfassung resumen resume"
)
_EXTRACT: Final = _words(
    "extract classify sentiment categorize categorise grammar spelling typos proofread"
    " rephrase paraphrase rewrite reformat uppercase lowercase alphabetically extrae clasifica"
)
_LANGUAGES: Final = _words(
    "python java javascript typescript rust golang sql bash regex haskell kotlin html css numpy"
    " pandas react docker dockerfile kubernetes segfault traceback stacktrace def postgres mysql"
)
_MAKING: Final = _words("write implement create debug refactor complete design optimize fix build")
_PROGRAMS: Final = _words(
    "function program class script method query code algorithm api parser endpoint unittest"
)
_COMPETITION: Final = _words(
    "prove proof integer integers polynomial polynomials theorem derivative integral probability"
    " modulo mod matrix matrices eigenvalue eigenvalues triangle equation equations divisors"
    " divisible prime primes hyperbola parabola ellipse permutations factorial logarithm cosine"
    " perpendicular bijection isomorphic homomorphism abelian convergent demuestra demostrar"
    " beweise beweisen démontrer démontre montrer докажи докажите доказать"
)
SCIENCE_WORDS: Final = _words(
    "quantum electron electrons spin hamiltonian photon photons relativistic lagrangian entropy"
    " enthalpy molecule molecules reaction reagent compound nmr spectrum spectroscopy ligand enzyme"
    " enzymes protein proteins gene genes genome mutation allele chromosome plasma stellar galaxy"
    " luminosity redshift wavelength wavefunction magnetic dipole oxidation synthesis catalyst"
    " isomer stereochemistry aldehyde ketone benzene molar equilibrium kinetic velocity"
    " acceleration thermodynamic orbital neutron proton isotope decay tensor manifold"
)
PROFESSION_WORDS: Final = _words(
    "plaintiff defendant statute negligence liable liability tort contract court constitutional"
    " jurisdiction appeal audit auditor accounting revenue depreciation ledger taxable securities"
    " equity bond inflation elasticity marginal diagnosis patient symptoms treatment syndrome"
    " therapy clinical arterial lesion antibiotic chronic acute renal regression hypothesis"
    " variance premise predicate fallacy validity symbolization utilitarian deontological"
)
_COMPOSING: Final = _words(
    "write compose draft create generate imagine pretend act roleplay escribe schreibe écris"
)
_TEXTS: Final = _words(
    "email poem story letter essay blog post song speech slogan haiku article review caption tweet"
    " tagline description message note joke lyrics dialogue character persona invitation"
    " poema poème gedicht"
)

_CHINESE: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("chat", r"^(?:你好|您好|谢谢|再见|早上好|晚安|好的|嗨|こんにちは|안녕)\S{0,8}$"),
        ("puzzle", "逻辑题|推理题|说真话|说假话|说谎|线索"),
        ("translate", "翻译|译成|译为|翻訳|번역"),
        ("summarise", "总结|概括|摘要|归纳|要約|요약"),
        ("extract", "提取|抽取|分类|情感|改写|润色|纠正|错别字"),
        (
            "code",
            (
                r"python|java\b|\bsql\b|代码|编程|程序|脚本|接口|数据库|缓存"
                "|(?:实现|编写|写).{0,12}(?:函数|算法|类)"
            ),
        ),
        (
            "competition",
            "证明|証明|증명|多项式|整数|概率|矩阵|导数|积分|方程|三角形|数列|余数|定理|质数|素数",
        ),
        ("arithmetic", "(?:一共|总共|剩下|还剩|平均|每).{0,20}(?:多少|几)"),
        ("write", "写一?[篇封首段个]|作文|诗|故事|邮件|文案|祝福"),
        ("analyse", "分析|比较|评价|权衡|架构|设计|方案|策略|推导|论证"),
        ("fact", "谁|哪[里个年位]|何时|什么时候|首都"),
    )
)
CHINESE_STEPS: Final = re.compile("首先|然后|接着|最后|再|一半|剩下|一共|总共|每[天人个只]")
CHINESE_CONDITIONS: Final = re.compile(
    "必须|不能|不得|不要|至少|最多|只能|每个|每人|如果|假设|除了|分别|恰好|之间|否则"
)

_TAGS: Final[Mapping[str, frozenset[str]]] = {
    "chat": _words("chat chitchat smalltalk greeting"),
    "competition": _words("math maths mathematics competition olympiad aime algebra calculus"),
    "arithmetic": _words("gsm mgsm arithmetic wordproblem svamp"),
    "puzzle": _words("puzzle logic logicgrid reasoning bbh zebra deduction"),
    "code": _words("code coding programming humaneval mbpp sql debug debugging refactor swe"),
    "translate": _words("translate translation wmt flores"),
    "summarise": _words("summarize summarise summary summarization summarisation cnn xsum"),
    "extract": _words("extract extraction classify classification sentiment rewrite ner"),
    "science": _words("gpqa science physics chemistry biology quantum engineering"),
    "choice": _words("mmlu exam choice mcq multiple professional law medicine ceval cmmlu"),
    "commonsense": _words("commonsense openbook openbookqa hellaswag winogrande piqa arc"),
    "write": _words("writing creative roleplay poem story email draft humanities"),
    "analyse": _words("analysis analyse analyze planning plan design research strategy"),
    "document": _words("document rag longqa squad reading"),
    "fact": _words("trivia triviaqa fact factual nq natural lookup qa"),
}  # fmt: skip
"""Words of a tag and the kind they name, the telling ones first; names of public test sets are
among them, for whoever measures a router with one."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one look at a text found: the text in lower case, its words, and counts of marks."""

    low: str
    words: tuple[str, ...]
    counts: Counter[str]
    numbers: int
    latex: int
    code: int
    options: int
    sentences: int
    names: int

    @classmethod
    def of(cls, text: str) -> Reading:
        """Read a text once."""
        low = text.lower().strip()
        words = tuple(WORDS.findall(low))
        return cls(
            low=low,
            words=words,
            counts=Counter(words),
            numbers=len(_NUMBERS.findall(low)),
            latex=len(_LATEX.findall(low)),
            code=len(_CODE.findall(low)),
            options=len(_OPTIONS.findall(low)),
            sentences=len(_SENTENCES.findall(low)),
            names=len(_NAMES.findall(text)),
        )

    def count(self, telling: frozenset[str]) -> int:
        """Return how many words are among the telling ones."""
        return sum(self.counts[word] for word in telling & self.counts.keys())


def tagged(tag: str) -> str:
    """Return the kind that a tag names, or nothing if it names none that is known."""
    words = set(WORDS.findall(tag.lower())) | {"".join(WORDS.findall(tag.lower()))}
    return next((kind for kind, telling in _TAGS.items() if telling & words), "")


def told(reading: Reading) -> str:
    """Return the kind that a text looks like; ``other`` if nothing tells."""
    if not reading.low.isascii():
        found = _chinese(reading)
        if found:
            return found
    return _asked_to(reading) or _asked_about(reading)


def _chinese(reading: Reading) -> str:
    return next((kind for kind, telling in _CHINESE if telling.search(reading.low)), "")


def _asked_to(reading: Reading) -> str:
    """Return the kind if the text says what is to be done."""
    edges = set(reading.words[:EDGE] + reading.words[-EDGE:])
    if len(reading.words) <= FEW_WORDS and set(reading.words[:1]) & _GREETINGS:
        return "chat"
    if _PUZZLE & reading.counts.keys():
        return "puzzle"
    for kind, telling in (
        ("translate", _TRANSLATE), ("summarise", _SUMMARISE), ("extract", _EXTRACT),
    ):  # fmt: skip
        if edges & telling:
            return kind
    programs = edges & _MAKING and edges & _PROGRAMS
    queries = "select" in edges and "from" in edges
    known = programs or queries or edges & _LANGUAGES or reading.code > SOME_CODE
    return "code" if known else ""


def _looked_up(reading: Reading, words: AbstractSet[str]) -> bool:
    """Whether it asks for something that one knows or looks up, rather than works out."""
    about_a_name = reading.names > 0 and bool(words & _FACT)
    return about_a_name or bool(set(reading.words[:2]) & _LOOKED_UP)


def _asked_about(reading: Reading) -> str:
    """Return the kind by what the text speaks of and how it looks."""
    words = reading.counts.keys()
    edges = set(reading.words[:EDGE] + reading.words[-EDGE:])
    asks = reading.low.endswith(("?", "？", "."))
    numbers = reading.numbers + reading.count(NUMBER_WORDS)
    story = numbers >= SOME_NUMBERS and "how" in words and bool(words & COUNT_WORDS)
    many = asks and numbers > SOME_NUMBERS and len(reading.low) < LONG
    signs: tuple[tuple[str, object], ...] = (
        ("competition", reading.latex or (not story and words & _COMPETITION)),
        ("science", len(words & SCIENCE_WORDS) >= SOME_SCIENCE),
        ("choice", reading.options >= SOME_OPTIONS),
        ("arithmetic", story or many),
        ("write", edges & _COMPOSING and edges & _TEXTS),
        ("analyse", edges & ANALYSE_WORDS),
        ("document", len(reading.low) > LONG),
        ("fact", _looked_up(reading, words)),
        ("question", asks or words & REASON_WORDS),
    )
    return next((kind for kind, sign in signs if sign), "other")
