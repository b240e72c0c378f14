"""Judges the support score on sets of claims; needs numpy and scikit-learn, and only here.

    PYTHONPATH=. python benchmarks/support.py DATA_DIR

DATA_DIR is that of support_train.py. Folds are made of evidence: no document is in two of them, and
the threshold for each fold is found without it.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import support_train as train

from agent.domain.support import judge

if TYPE_CHECKING:
    from numpy.typing import NDArray


def main() -> None:
    """Print all figures as JSON."""
    rows = train.rows_of(Path(sys.argv[1]))
    broken = train.corruptions(rows)
    every = train.Measures.of(rows, broken)
    sets = sorted({row.origin for row in rows})
    said, lower = np.zeros(len(rows), bool), np.zeros(len(broken), bool)
    for fold in np.unique(every.folds):
        new = every.folds == fold
        seen, pair = every.only(~new), new[every.owner]
        model = train.fit(seen)
        said[new] = model.logits(every.x[new]) > train.cut_of(seen)
        whole = every.x[every.owner[pair]]
        lower[pair] = model.logits(whole) - model.logits(whole - every.gaps[pair]) > 1e-9
    kinds = np.array([kind for _, kind, _ in broken])
    there = np.array([train.told(rows[at], claim) for at, _, claim in broken])
    told = {
        "balanced accuracy, one threshold": {
            name: round(train.balanced(every.y[here], said[here]), 3)
            for name, here in ((name, every.origins == at) for at, name in enumerate(sets))
        },
        "the same, set left out": {
            name: left_out(every, every.origins == at) for at, name in enumerate(sets)
        },
        "broken claims ranked lower": {k: share(lower, kinds == k) for k in train.KINDS},
        "of those, what was changed stood in the evidence, what replaced it does not": {
            k: share(lower, (kinds == k) & there) for k in ("number", "entity", "antonym")
        },
        "claims per CPU second": pace(rows),
    }
    print(json.dumps(told, indent=1))


def left_out(every: train.Measures, new: NDArray[np.bool_]) -> float:
    """Return the balanced accuracy on a set, of weights and a threshold from the others alone."""
    seen = every.only(~new)
    said = train.fit(seen).logits(every.x[new]) > train.cut_of(seen)
    return round(train.balanced(every.y[new], said), 3)


def share(lower: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> list[float]:
    """Return the share that is lower, and of how many."""
    return [round(float(lower[chosen].mean()), 3), int(chosen.sum())]


def pace(rows: list[train.Row]) -> int:
    """Return how many claims are judged in a second of CPU time."""
    start = time.process_time()
    for row in rows:
        judge(row.claim, row.evidence)
    return round(len(rows) / (time.process_time() - start))


if __name__ == "__main__":
    main()
