"""A corpus of 10,000 files: `python benchmarks/corpus.py --files N`.

Writes the files (English and Chinese in turns, words drawn by Zipf's law from made-up
vocabularies) to a temporary folder, and times: the first run, which builds the index; the second,
which finds all of it there; searches, by `Corpus.search` as a run calls it, snippets included;
bm25s, if it is installed, over the same terms held in memory; and `grep -ril` for the same words.
All are timed in turns within one process. `found` is the share of queries for files that hold a
word of their own that put this file first. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from agent.adapters.corpus import Corpus
from agent.domain.question import Scope
from agent.domain.ranking import terms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FILES, QUERIES, GREPS, LIMIT = 10_000, 200, 10, 6
VOCABULARY, WORDS = 20_000, 600


class Author:
    """Writes texts of made-up words, the same in every run."""

    def __init__(self) -> None:
        self._chance = random.Random(1)  # noqa: S311 - the same files in every run
        letters, signs = "abcdefghijklmnopqrstuvw", [chr(0x4E00 + sign) for sign in range(3_000)]
        self._english = [self._word(letters, 3, 10) for _ in range(VOCABULARY)]
        self._chinese = [self._word(signs, 2, 3) for _ in range(VOCABULARY)]
        self._weights = list(accumulate(1 / rank for rank in range(1, VOCABULARY + 1)))

    def text(self, number: int) -> str:
        """Return one file: a title, a word of its own, and what else it says."""
        words = self._chance.choices(
            self._chinese if number % 2 else self._english, cum_weights=self._weights, k=WORDS
        )
        words[WORDS // 2] = own_word(number)
        gap = "" if number % 2 else " "
        sentences = [gap.join(words[start : start + 15]) for start in range(0, WORDS, 15)]
        return f"# Report {number}\n\n" + ("。" if number % 2 else ".\n").join(sentences)

    def query(self) -> str:
        """Return four words, common and rare, as files have them."""
        language = self._chance.choice((self._english, self._chinese))
        return " ".join(self._chance.choices(language, cum_weights=self._weights, k=4))

    def _word(self, letters: Sequence[str], shortest: int, longest: int) -> str:
        return "".join(self._chance.choices(letters, k=self._chance.randint(shortest, longest)))


def own_word(number: int) -> str:
    """Return the word only this file has."""
    return f"x{number}x"


def timed(work: Callable[[], object]) -> float:
    """Return how many milliseconds something takes."""
    started = time.perf_counter()
    work()
    return 1_000 * (time.perf_counter() - started)


def spread(milliseconds: Sequence[float]) -> dict[str, float]:
    """Return the median and the 95th percentile."""
    percentiles = statistics.quantiles(milliseconds, n=20)
    return {"p50_ms": round(percentiles[9], 2), "p95_ms": round(percentiles[18], 2)}


def megabytes(folder: Path) -> float:
    """Return the size of the files in a folder."""
    return round(sum(file.stat().st_size for file in folder.iterdir()) / 1_000_000, 1)


async def ours(folder: Path, cache: Path, queries: Sequence[str], files: int) -> dict[str, object]:
    """Time a first run, a second one, and its searches."""
    seconds: list[float] = []
    for _ in range(2):
        started = time.perf_counter()
        corpus = Corpus([folder], cache=cache)
        await corpus.prepare()
        seconds.append(round(time.perf_counter() - started, 2))
        await corpus.aclose()
    corpus = Corpus([folder], cache=cache)
    await corpus.prepare()
    times: list[float] = []
    for query in queries:
        started = time.perf_counter()
        await corpus.search(query, limit=LIMIT, scope=Scope())
        times.append(1_000 * (time.perf_counter() - started))
    asked = range(0, files, max(1, files // 100))
    first = [await corpus.search(own_word(number), limit=1, scope=Scope()) for number in asked]
    found = sum(
        bool(hits) and hits[0].title == f"Report {number}"
        for number, hits in zip(asked, first, strict=True)
    )
    await corpus.aclose()
    return {
        "build_s": seconds[0],
        "second_start_s": seconds[1],
        **spread(times),
        "found": found / len(asked),
    }


def with_bm25s(texts: Sequence[str], queries: Sequence[str]) -> dict[str, object] | str:
    """Time bm25s over our terms; it keeps no texts, makes no snippets and sees no change."""
    try:
        import bm25s  # type: ignore[import-not-found]  # noqa: PLC0415 - only here to compare
    except ImportError:
        return "not installed"
    started = time.perf_counter()
    words = [terms(text) for text in texts]
    cut = time.perf_counter()
    index = bm25s.BM25()
    index.index(words, show_progress=False)
    built = time.perf_counter()

    def search(query: str) -> object:
        return index.retrieve([terms(query)], k=LIMIT, show_progress=False)

    return {
        "terms_s": round(cut - started, 2),
        "build_s": round(built - cut, 2),
        **spread([timed(lambda query=query: search(query)) for query in queries]),  # type: ignore[misc]
    }


def with_grep(folder: Path, queries: Sequence[str]) -> dict[str, object] | str:
    """Time grep for the words of queries: it ranks nothing and has no stems."""
    grep = shutil.which("grep")
    if grep is None:
        return "not installed"

    def search(query: str) -> object:
        wanted = [part for word in query.split() for part in ("-e", word)]
        return subprocess.run([grep, "-rilF", *wanted, folder], check=False, capture_output=True)  # noqa: S603 - our own words

    return dict(spread([timed(lambda query=query: search(query)) for query in queries]))  # type: ignore[misc]


def main() -> None:
    """Write the files, and time everything over them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=FILES)
    files: int = parser.parse_args().files
    author = Author()
    with tempfile.TemporaryDirectory() as made:
        folder, cache = Path(made) / "corpus", Path(made) / "cache"
        texts = [author.text(number) for number in range(files)]
        for number, text in enumerate(texts):
            place = folder / f"{number % 100:02}"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{number}.md").write_text(text, "utf-8")
        queries = [author.query() for _ in range(QUERIES)]
        result = {
            "files": files,
            "text_mb": round(sum(len(text.encode()) for text in texts) / 1_000_000, 1),
            "queries": QUERIES,
            "corpus": asyncio.run(ours(folder, cache, queries, files)),
            "index_mb": megabytes(cache),
            "bm25s": with_bm25s(texts, queries),
            "grep": with_grep(folder, queries[:GREPS]),
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
