"""How well copies are told from articles of their own: `python benchmarks/duplicates.py`.

Stories are made of words that follow Zipf's law. Each has copies with another headline, a cut end,
a share of words changed and lines broken as in a PDF, and articles of their own that quote some of
its paragraphs. A pair counts as found if both texts are one work. Then 300 texts of 60 kB are
judged, for the time. Prints one JSON object.
"""

from __future__ import annotations

import json
import random
import time

from agent.domain.duplicates import Described, independent_works

CHANCE = random.Random(11)  # noqa: S311 - the same texts in every run
LETTERS = "abcdefghijklmnoprstuvwyz"
WORDS = ["".join(CHANCE.choices(LETTERS, k=CHANCE.randint(2, 10))) for _ in range(6000)]
WEIGHTS = [1 / (rank + 3) for rank in range(6000)]
STORIES = 60
CHANGED = (0.0, 0.02, 0.05, 0.08, 0.1)
QUOTED = (0.0, 0.1, 0.2, 0.3, 0.4)


def prose(words: int) -> list[str]:
    """Return words that nobody put in a row."""
    return CHANCE.choices(WORDS, WEIGHTS, k=words)


def copied(story: list[str], changed: float) -> str:
    """Return a story as another paper prints it."""
    kept = story[: int(len(story) * CHANCE.uniform(0.75, 1))]
    words = [*prose(12), *(prose(1)[0] if CHANCE.random() < changed else word for word in kept)]
    lines = [" ".join(words[at : at + 12]) for at in range(0, len(words), 12)]
    return "\n".join(line[:-2] + "-\n" + line[-2:] for line in lines)


def judge() -> dict[str, object]:
    """Return the share of copies found by words changed, and of articles taken for copies."""
    copies: dict[float, list[bool]] = {share: [] for share in CHANGED}
    others: dict[float, list[bool]] = {share: [] for share in QUOTED}
    for _ in range(STORIES):
        story = prose(CHANCE.randint(150, 1500))
        original = Described("https://original.example/", " ".join(story))
        for share, found in copies.items():
            works = independent_works(
                [original, Described("https://b.example/", copied(story, share))]
            )
            found.append(works == (0, 0))
        for share, found in others.items():
            quoted = story[: int(share * len(story))]
            own = " ".join([*prose(len(story) - len(quoted)), *quoted])
            found.append(
                independent_works([original, Described("https://c.example/", own)]) == (0, 0)
            )
    right = sum(map(sum, copies.values()))
    wrong = sum(map(sum, others.values()))
    return {
        "copies_found_by_share_of_words_changed": {k: sum(v) / len(v) for k, v in copies.items()},
        "articles_taken_for_copies_by_share_quoted": {
            k: sum(v) / len(v) for k, v in others.items()
        },
        "precision": round(right / (right + wrong), 4),
        "recall": round(right / (STORIES * len(CHANGED)), 4),
    }


def seconds(count: int = 300, words: int = 8_600) -> dict[str, object]:
    """Return how long as many texts take one core."""
    texts = [Described(f"https://s{at}.example/", " ".join(prose(words))) for at in range(count)]
    began = time.process_time()
    works = len(set(independent_works(texts)))
    took = round(time.process_time() - began, 3)
    return {"texts": count, "characters_each": len(texts[0].text), "works": works, "seconds": took}


if __name__ == "__main__":
    print(json.dumps({**judge(), "speed": seconds()}, indent=2))
