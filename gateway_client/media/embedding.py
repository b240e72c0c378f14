"""Turns texts into vectors through the pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from gateway_client.errors import AnswerUnusable
from gateway_client.exchange import TASK_HEADER
from gateway_client.media.asking import ask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway_client.client import GatewayClient

Vector = tuple[float, ...]

EMBEDDING_MODEL: Final = "text-embedding-3-small"

BATCH: Final = 256
"""Texts sent at once. OpenAI takes 2,048; other servers, as far as they say, at least this many."""


async def embeddings(
    client: GatewayClient, texts: Sequence[str], model: str = EMBEDDING_MODEL
) -> tuple[Vector, ...]:
    """Return one vector for each text, in their order; raise AnswerUnusable if any is missing."""
    vectors: list[Vector] = []
    for start in range(0, len(texts), BATCH):
        vectors += await _batch(client, texts[start : start + BATCH], model)
    return tuple(vectors)


async def _batch(client: GatewayClient, texts: Sequence[str], model: str) -> list[Vector]:
    told = await ask(
        client,
        "POST",
        "/embeddings",
        headers={TASK_HEADER: "embed"},
        payload={"model": model, "input": list(texts), "encoding_format": "float"},
    )
    found = dict(_indexed(told.payload.get("data")))
    if set(found) != set(range(len(texts))) or len({len(vector) for vector in found.values()}) > 1:
        raise AnswerUnusable(
            f"{told.endpoint} answered {len(texts)} texts with {len(found)} usable vectors",
            mend="send fewer texts at once, or ask another model",
        )
    return [found[place] for place in range(len(texts))]


def _indexed(data: object) -> list[tuple[int, Vector]]:
    """Return the vectors by place; servers need not keep the order, and some name no place."""
    vectors = []
    for place, item in enumerate(data if isinstance(data, list) else []):
        numbers = item.get("embedding") if isinstance(item, dict) else None
        if isinstance(numbers, list) and all(isinstance(n, int | float) for n in numbers):
            index = item.get("index")
            at = index if isinstance(index, int) else place
            vectors.append((at, tuple(map(float, numbers))))
    return vectors
