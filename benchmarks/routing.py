"""Measures the router's difficulty score on data it was not fitted to; prints JSON.

    PYTHONPATH=. python benchmarks/routing.py DATA_DIR [--litellm PYTHON]

Needs numpy, to fit the score anew for every fold. DATA_DIR is that of routing_train.py. With
``--litellm``, the path of an interpreter that has litellm, its complexity router is measured too.

Every prompt goes to a weak or a strong model; a router is a score, higher for strong. Of each
score this prints, with 95 % intervals from a seeded bootstrap (RouteLLM's definitions, on the
curve of all thresholds; equal scores go in proportion):

- ``apgr``: the part of the gap between weak and strong that is recovered, averaged over all shares
  of calls sent to the strong model; 0.5 is chance;
- ``cpt50``, ``cpt80``: the smallest such share that recovers 50 % or 80 % of the gap;
- ``saving95``: the cost saved against always asking the strong model, at 95 % of its quality, where
  a weak call costs 2 % of a strong one. Read it beside that of ``random``.

Scores: ``ours_unseen_tasks`` and ``ours_random_folds`` see only the text, fitted with the whole
task, or a random fifth of all prompts, left out; ``ours_unseen_no_prior`` is the first without
what was known beforehand of the kinds, which was written by someone who had seen the tasks'
means. ``task_table`` sees only the task, and knows its
mean gain from the other folds. ``ours_tagged`` is that table, shifted by our score of the text.
``two_tiers`` knows only which half of that table a task is in, as a configuration does;
``ours_two_tiers`` shifts it just as the router does. Where there is one task, tables know nothing.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import routing_train
from routing_train import PRIOR, STRETCH, TWINS, Row, Rows, Table

from gateway_client.catalog import Endpoint
from gateway_client.config import Config
from gateway_client.routing import difficulty, router

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Mask = NDArray[np.bool_]

FOLDS = 5
RESAMPLES = 200
WEAK_COST = 0.02
PAIRS = (
    ("llama-3.1-8b-instruct", "llama-3.1-nemotron-51b-instruct"),
    ("mistral-7b-instruct-v0.3", "llama-3.1-nemotron-51b-instruct"),
    ("gemma-2-9b-it", "llama-3.1-nemotron-51b-instruct"),
    ("mistral-7b-instruct-v0.3", "llama-3.3-nemotron-super-49b-v1"),
)
LITELLM = """
import json, sys
from litellm.router_strategy.complexity_router.complexity_router import ComplexityRouter
tiers = {name: name for name in ("SIMPLE", "MEDIUM", "COMPLEX", "REASONING")}
router = ComplexityRouter("auto", None, {"tiers": tiers}, "MEDIUM")
found = [router.classify(prompt) for prompt in json.load(sys.stdin)]
print(json.dumps([[getattr(tier, "value", tier), score] for tier, score, _ in found]))
"""


@dataclass(frozen=True, slots=True)
class Curve:
    """Quality against the share of calls sent to the strong model."""

    share: Floats
    quality: Floats
    weak: float
    strong: float

    @classmethod
    def of(cls, scores: Floats, weak: Floats, strong: Floats) -> Curve:
        """Send the highest scores first; within equal ones the gain is their mean."""
        order = np.argsort(-scores, kind="stable")
        gain = (strong - weak)[order]
        _, group, size = np.unique(-scores[order], return_inverse=True, return_counts=True)
        mean = np.bincount(group, weights=gain) / size
        total = np.concatenate([[0.0], np.cumsum(mean[group])]) / len(gain)
        share = np.arange(len(gain) + 1) / len(gain)
        return cls(share, total + weak.mean(), float(weak.mean()), float(strong.mean()))

    def recovered(self) -> float:
        """Return the average part of the gap that is recovered (APGR)."""
        area = float(((self.quality[1:] + self.quality[:-1]) / 2 * np.diff(self.share)).sum())
        return (area - self.weak) / (self.strong - self.weak)

    def share_for(self, quality: float) -> float:
        """Return the smallest share that reaches a quality; 1 if none does."""
        reached = self.quality >= quality - 1e-12
        return float(self.share[int(np.argmax(reached))]) if reached.any() else 1.0

    def numbers(self) -> dict[str, float]:
        """Return all that is said of a score."""
        gap = self.strong - self.weak
        return {
            "apgr": self.recovered(),
            "cpt50": self.share_for(self.weak + 0.5 * gap),
            "cpt80": self.share_for(self.weak + 0.8 * gap),
            "saving95": (1 - self.share_for(0.95 * self.strong)) * (1 - WEAK_COST),
        }


def measured(scores: Floats, weak: Floats, strong: Floats) -> dict[str, list[float]]:
    """Return each number with the ends of its interval."""
    rng = np.random.default_rng(0)
    resampled = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, len(scores), len(scores))
        resampled.append(Curve.of(scores[drawn], weak[drawn], strong[drawn]).numbers())
    return {
        name: [
            round(value, 4),
            *(round(float(np.percentile([r[name] for r in resampled], q)), 4) for q in (2.5, 97.5)),
        ]
        for name, value in Curve.of(scores, weak, strong).numbers().items()
    }


class Fitted:
    """The score of every prompt, fitted without it, and what tables know of its task."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.table = Table.of(rows)
        self.folds = np.random.default_rng(0).integers(0, FOLDS, len(rows))
        self.unseen, _ = self._scores(self._without_tasks())
        self.no_prior, _ = self._scores(self._without_tasks(), dict.fromkeys(PRIOR, 0.0))
        self.random_folds, self.parts = self._scores(self._without_folds())

    def _without_tasks(self) -> Iterator[tuple[Mask, Mask]]:
        for task in np.unique(self.table.tasks):
            away = TWINS if task in TWINS else (task,)
            yield ~np.isin(self.table.tasks, away), self.table.tasks == task

    def _without_folds(self) -> Iterator[tuple[Mask, Mask]]:
        for fold in range(FOLDS):
            yield self.folds != fold, self.folds == fold

    def _scores(
        self, splits: Iterator[tuple[Mask, Mask]], prior: Mapping[str, float] = PRIOR
    ) -> tuple[Floats, Floats]:
        """Return the logits, and the part of them that shifts what a table says."""
        scores, shifts = np.zeros(len(self.rows)), np.zeros(len(self.rows))
        for kept, left in splits:
            weights = routing_train.fit(self.table, kept, prior)
            slopes = np.array([weights.features.get(name, 0.0) for name in self.table.names])
            text = self.table.values[left] @ slopes - weights.centre
            kind = np.array([weights.kinds.get(kind, 0.0) for kind in self.table.kinds[left]])
            scores[left] = weights.bias + kind + text
            shift = text + difficulty.FAMILIAR * kind
            most = difficulty.MOST / STRETCH
            shifts[left] = np.clip(shift, -most, most)
        return scores, shifts

    def task_gain(self, used: Mask, gain: Floats) -> Floats:
        """Return, for each of these prompts, the mean gain of its task in the other folds."""
        found = np.zeros(len(gain))
        tasks, folds = self.table.tasks[used], self.folds[used]
        for task in np.unique(tasks):
            for fold in range(FOLDS):
                here, others = (tasks == task) & (folds == fold), (tasks == task) & (folds != fold)
                found[here] = gain[others].mean()
        return found


def compared(
    fitted: Fitted, used: Mask, weak: Floats, strong: Floats, foreign: list[float]
) -> dict[str, object]:
    """Measure every score on some of the prompts and one pair of models."""
    gain = strong - weak
    table = fitted.task_gain(used, gain)
    # a mean gain of 0 says: in one case of fifty, as no table is ever quite sure
    logits = np.array([difficulty.logit(max(float(value), 0.02)) for value in table])
    upper = table > np.median(np.unique(table))
    margin = router.TAG_MARGIN / STRETCH
    tiers = np.where(upper, margin, -margin)
    rng = random.Random(0)  # noqa: S311 - a baseline, no secret
    scores: dict[str, Floats] = {
        "random": np.array([rng.random() for _ in gain]),
        "length": np.array([len(fitted.rows[int(i)].prompt) for i in np.flatnonzero(used)], float),
        "ours_unseen_tasks": fitted.unseen[used],
        "ours_unseen_no_prior": fitted.no_prior[used],
        "ours_random_folds": fitted.random_folds[used],
        "task_table": table,
        "ours_tagged": logits + fitted.parts[used],
        "two_tiers": tiers,
        "ours_two_tiers": tiers + fitted.parts[used],
    }
    if foreign:
        scores["litellm"] = np.array(foreign)[used]
    return {
        "prompts": len(gain),
        "weak": round(float(weak.mean()), 4),
        "strong": round(float(strong.mean()), 4),
        **{name: measured(score, weak, strong) for name, score in scores.items()},
    }


def latency(length: int = 2_000, calls: int = 3_000) -> dict[str, float]:
    """Return the microseconds that deciding takes for prompts of a length.

    On a busy machine the slowest of a hundred is one that had to wait, hence processor time too.
    """
    config = Config((Endpoint("one", "http://one.example/v1"),))
    text = "Ann sold 48 clips in April, and then half as many in May; explain why (x_1 = y). " * 60
    payload: dict[str, object] = {
        "model": "auto",
        "messages": [{"role": "user", "content": text[:length]}],
    }
    taken, worked = [], []
    for _ in range(calls):
        begun, began = time.perf_counter(), time.thread_time()
        router.decide(config, payload)
        taken.append((time.perf_counter() - begun) * 1e6)
        worked.append((time.thread_time() - began) * 1e6)
    return {
        "p50_us": round(float(np.percentile(taken, 50))),
        "p99_us": round(float(np.percentile(taken, 99))),
        "processor_p99_us": round(float(np.percentile(worked, 99))),
    }


def shipped(rows: Rows) -> dict[str, float]:
    """Return what share the shipped weights send to the strong tier, and how many per second."""
    begun = time.perf_counter()
    scores = [difficulty.assess(row.prompt).score for row in rows]
    seconds = time.perf_counter() - begun
    strong = sum(score >= router.STRONG_FROM for score in scores) / len(scores)
    return {"strong_share": round(strong, 4), "prompts_per_second": round(len(rows) / seconds)}


def litellm_scores(python: str, rows: Rows) -> tuple[list[float], dict[str, float]]:
    """Return its scores, and the share of prompts in each of its tiers."""
    prompts = json.dumps([row.prompt for row in rows])
    done = subprocess.run(  # noqa: S603 - the interpreter that the caller named
        [python, "-c", LITELLM], input=prompts, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    tiers = [str(tier) for tier, _ in found]
    shares = {tier: round(tiers.count(tier) / len(tiers), 4) for tier in sorted(set(tiers))}
    return [float(score) for _, score in found], shares


def _ends(rows: Rows) -> tuple[Floats, Floats]:
    return np.array([row.weak[0] for row in rows]), np.array([row.strong[0] for row in rows])


def main() -> None:
    """Measure on the tasks of nine models, on school mathematics, and on both together."""
    folder = Path(sys.argv[1])
    rows = routing_train.rows_of(folder)
    fitted = Fitted(rows)
    report: dict[str, object] = {"decision": latency(), **shipped(rows)}
    foreign: list[float] = []
    if "--litellm" in sys.argv:
        python = sys.argv[sys.argv.index("--litellm") + 1]
        foreign, report["litellm_tiers"] = litellm_scores(python, rows)
    school = np.array([row.task == "routellm-gsm8k" for row in rows])
    mathematics: list[Row] = [row for row in rows if row.task == "routellm-gsm8k"]
    for weak_name, strong_name in PAIRS:
        weak, strong = _ends(routing_train.multi9(folder, (weak_name,), (strong_name,)))
        name = f"multi9 {weak_name} -> {strong_name}"
        report[name] = compared(fitted, ~school, weak, strong, foreign)
    weak, strong = _ends(mathematics)
    report["gsm8k"] = compared(fitted, school, weak, strong, foreign)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
