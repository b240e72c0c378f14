"""Fits gateway_client/routing/difficulty.json; needs numpy, and only here.

    PYTHONPATH=. python benchmarks/routing_train.py DATA_DIR [--write]

DATA_DIR holds llmrouter_multi9.csv (prompts of 14 tasks with the scores of 9 models) and
routellm_gsm8k.csv (a weak and a strong model, right or wrong); they are other people's text and
no part of this project. Nothing in it is random, so the same data give the same weights.

How it was tuned, leaving whole tasks out each time:

- What is fitted is a mean over six pairs of models (three of 7-9 B, two of about 50 B), three
  parts "the strong one was better", one part "the weak one was wrong": gains alone teach that the
  hardest prompts need no strong model, since those of 50 B fail there too, as larger ones would
  not. (Half and half was as good; gains alone were worse on unseen tasks.)
- Slopes of the text's features are fitted with an intercept for every task, so that they say what
  makes a prompt harder *within* a task. Fitted without, they learn which of 14 tasks is which, and
  on an unseen task do harm: a score from length or number of digits then falls below random.
- Slopes that common sense gives a sign (longer, more steps, more conditions) may be 0 but not less,
  and start from SLOPE_PRIOR.
- The kinds' own weights are drawn from PRIOR, as if it had been seen PRIOR_ROWS times, towards
  the data. PRIOR is from general knowledge of where large models beat small ones (mathematics,
  puzzles and code; hardly in small talk, translating, summarising, looking up), as few of these
  kinds are in the data. It was written by someone who had seen the tasks' means, so results on
  these very data flatter it a little.
- SLOPE_PENALTY of 100 and 1,000, and PRIOR_ROWS of 300 and 4,000, were tried and no better. Of no
  use at all on unseen tasks, and left out: mean length of words, variety of words, share of
  capitals, signs of money, counts of symbols, words of formal mathematics and of everyday life.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gateway_client.routing import difficulty, kinds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Words = NDArray[np.str_]
    Mask = NDArray[np.bool_]

WEAK = ("mistral-7b-instruct-v0.3", "gemma-2-9b-it", "llama-3.1-8b-instruct")
STRONG = ("llama-3.1-nemotron-51b-instruct", "llama-3.3-nemotron-super-49b-v1")

PRIOR = {
    "chat": -2.2, "translate": -1.0, "summarise": -1.0, "extract": -0.7, "commonsense": -0.6,
    "write": -0.5, "fact": -0.5, "other": -0.1, "question": 0.0, "document": 0.3, "choice": 0.4,
    "analyse": 0.5, "arithmetic": 0.5, "code": 0.8, "science": 0.9, "competition": 1.0,
    "puzzle": 1.0,
}  # fmt: skip
PRIOR_ROWS = 1000.0
SLOPE_PENALTY = 3000.0
SLOPE_PRIOR = {"size": 0.15, "steps": 0.1, "sentences": 0.05}
NOT_NEGATIVE = frozenset(
    "size sentences numbers steps conditions latex science profession long_words analyse options"
    " arithmetic:size arithmetic:steps arithmetic:sentences code:steps code:conditions".split()
)
STRETCH = 2.0
STRONG_SHARE = 0.4
"""The score is stretched, and moved so that this share of all prompts, each task counting alike,
is above 0.5: what the models at hand get right or wrong is no measure for those it will choose
between, and one half is the threshold that people expect."""

TWINS = ("gsm8k", "agentverse-mgsm", "routellm-gsm8k")
"""Tasks that share prompts; they leave the training data together."""

Rows = list["Row"]


@dataclass(frozen=True, slots=True)
class Row:
    """One prompt, its task, and how the models of each kind did on it (0..1)."""

    prompt: str
    task: str
    weak: tuple[float, ...]
    strong: tuple[float, ...]

    @property
    def target(self) -> float:
        """Return how much this prompt needed a strong model."""
        pairs = [(weak, strong) for weak in self.weak for strong in self.strong]
        gain = sum(max(strong - weak, 0.0) for weak, strong in pairs) / len(pairs)
        wrong = 1 - sum(self.weak) / len(self.weak)
        return 0.75 * gain + 0.25 * wrong


def rows_of(folder: Path) -> Rows:
    """Read both files; a prompt that comes twice counts once."""
    return [*multi9(folder), *gsm8k(folder)]


def multi9(folder: Path, weak: tuple[str, ...] = WEAK, strong: tuple[str, ...] = STRONG) -> Rows:
    """Read the prompts of 14 tasks with the scores of these models."""
    found = {line["prompt"]: line for line in reversed(_lines(folder / "llmrouter_multi9.csv"))}
    return [
        Row(
            line["prompt"],
            line["task"],
            tuple(min(max(float(line[name]), 0.0), 1.0) for name in weak),
            tuple(min(max(float(line[name]), 0.0), 1.0) for name in strong),
        )
        for line in reversed(found.values())
    ]


def gsm8k(folder: Path) -> Rows:
    """Read school mathematics, without the prompts known to be in training data."""
    return [
        Row(
            line["prompt"],
            "routellm-gsm8k",
            (float(line["weak_correct"]),),
            (float(line["strong_correct"]),),
        )
        for line in _lines(folder / "routellm_gsm8k.csv")
        if line["contaminated"] == "0"
    ]


def _lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(frozen=True, slots=True)
class Table:
    """All prompts as numbers: features, kinds, tasks and targets."""

    names: list[str]
    values: Floats
    kinds: Words
    tasks: Words
    targets: Floats

    @classmethod
    def of(cls, rows: Rows) -> Table:
        """Read every prompt as the router will."""
        told = []
        found = []
        for row in rows:
            reading = difficulty.read(row.prompt)
            kind = kinds.told(reading)
            told.append(kind)
            found.append(difficulty.features(reading, kind, len(row.prompt)))
        names = sorted({name for one in found for name in one})
        return cls(
            names=names,
            values=np.array([[one.get(name, 0.0) for name in names] for one in found]),
            kinds=np.array(told),
            tasks=np.array([row.task for row in rows]),
            targets=np.array([row.target for row in rows]),
        )


def fit(table: Table, kept: Mask, prior: Mapping[str, float] = PRIOR) -> difficulty.Weights:
    """Fit slopes within tasks, then kinds given the slopes, to the rows that are kept."""
    tasks, counts = np.unique(table.tasks[kept], return_counts=True)
    # the square root: a task of 1,300 prompts says more than one of 160, but not eight times
    weights = (counts**-0.5)[np.searchsorted(tasks, table.tasks[kept])]
    weights = weights / weights.mean()
    slopes = _slopes(table, kept, tasks, weights)
    shift = table.values[kept] @ slopes
    centre = float((weights * shift).sum() / weights.sum())
    bias, levels = _levels(table, kept, weights, shift - centre, prior)
    features = zip(table.names, slopes, strict=True)
    return difficulty.Weights(
        bias=round(bias, 4),
        centre=round(centre, 4),
        kinds={name: round(level, 4) for name, level in levels.items()},
        features={name: round(float(slope), 4) for name, slope in features if abs(slope) > 5e-4},
    )


def calibrated(weights: difficulty.Weights, table: Table) -> difficulty.Weights:
    """Return the same weights, stretched and moved; the order of prompts does not change."""
    slopes = np.array([weights.features.get(name, 0.0) for name in table.names])
    logits = table.values @ slopes + np.array([weights.kinds[kind] for kind in table.kinds])
    tasks, counts = np.unique(table.tasks, return_counts=True)
    order = np.argsort(logits)
    share = (1 / counts)[np.searchsorted(tasks, table.tasks[order])].cumsum() / len(tasks)
    middle = float(logits[order][np.searchsorted(share, 1 - STRONG_SHARE)])
    return difficulty.Weights(
        bias=round((weights.centre - middle) * STRETCH, 4),
        centre=round(weights.centre * STRETCH, 4),
        kinds={name: round(level * STRETCH, 4) for name, level in weights.kinds.items()},
        features={name: round(slope * STRETCH, 4) for name, slope in weights.features.items()},
    )


def _slopes(table: Table, kept: Mask, tasks: Words, weights: Floats) -> Floats:
    """Return the features' slopes; those that come out with a wrong sign are fixed at 0."""
    scale = table.values[kept].std(axis=0) + 1e-6
    own = (table.tasks[kept][:, None] == tasks[None, :]).astype(float)
    free = np.ones(len(table.names), bool)
    while True:
        used = np.hstack([table.values[kept][:, free] / scale[free], own])
        penalty = np.r_[np.full(free.sum(), SLOPE_PENALTY), np.full(len(tasks), 1e-3)]
        prior = np.array([SLOPE_PRIOR.get(name, 0.0) for name in table.names]) * scale
        start = np.r_[prior[free], np.zeros(len(tasks))]
        found = _logistic(used, table.targets[kept], weights, start, penalty)[: free.sum()]
        slopes = np.zeros(len(table.names))
        slopes[free] = found / scale[free]
        wrong = np.array([n in NOT_NEGATIVE for n in table.names]) & (slopes < 0)
        if not wrong.any():
            return slopes
        free &= ~wrong


def _levels(
    table: Table, kept: Mask, weights: Floats, shift: Floats, prior: Mapping[str, float]
) -> tuple[float, dict[str, float]]:
    """Return the bias and what each kind adds to it, drawn from the prior towards the data."""
    names = sorted(prior)
    own = (table.kinds[kept][:, None] == np.array(names)[None, :]).astype(float)
    used = np.hstack([own, np.ones((len(own), 1))])
    start = np.array([*(prior[name] for name in names), 0.0])
    penalty = np.r_[np.full(len(names), PRIOR_ROWS / 4), 1e-3]  # a row weighs p(1-p) <= 1/4
    found = _logistic(used, table.targets[kept], weights, start, penalty, shift)
    return float(found[-1]), dict(zip(names, map(float, found[:-1]), strict=True))


def _logistic(
    used: Floats,
    targets: Floats,
    weights: Floats,
    start: Floats,
    penalty: Floats,
    offset: Floats | float = 0.0,
) -> Floats:
    """Fit a logistic regression with a penalty for leaving the start, by Newton's method."""
    found = start.copy()
    for _ in range(50):
        chance = 1 / (1 + np.exp(-(used @ found + offset)))
        slope = used.T @ (weights * (chance - targets)) + penalty * (found - start)
        curve = (used.T * (weights * chance * (1 - chance))) @ used + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        found = found - step
        if np.abs(step).max() < 1e-9:
            break
    return found


def main() -> None:
    """Fit all rows; with --write, put the weights in their place."""
    table = Table.of(rows_of(Path(sys.argv[1])))
    weights = calibrated(fit(table, np.ones(len(table.tasks), bool)), table)
    text = json.dumps(asdict(weights), indent=1) + "\n"
    if "--write" in sys.argv:
        difficulty.WEIGHTS_FILE.write_text(text, encoding="utf-8")
    print(text, hashlib.sha256(text.encode()).hexdigest())


if __name__ == "__main__":
    main()
