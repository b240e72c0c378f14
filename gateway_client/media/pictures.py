"""Makes pictures.

pictures = await images(client, "a lighthouse in fog", out=Path("lighthouse.png"))
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx2

from gateway_client.errors import AnswerUnusable, GatewayError
from gateway_client.exchange import TASK_HEADER
from gateway_client.families.ways import LOOPBACK
from gateway_client.media import files as media_files
from gateway_client.media.asking import ask

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from gateway_client.client import GatewayClient

IMAGE_MODEL: Final = "gpt-image-1.5"
MOST_IMAGE_BYTES: Final = 64 * 1024 * 1024
"""Far more than a picture of any model has; it only keeps a hostile address from filling memory."""

DOWNLOAD_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Image:
    """One picture; ``kind`` is png, jpg, gif or webp, and ``path`` where it was saved, if it was.

    ``revised_prompt`` is what the model made of the prompt, if it says so.
    """

    data: bytes = field(repr=False)
    kind: str
    path: Path | None = None
    revised_prompt: str = ""


async def images(
    client: GatewayClient,
    prompt: str,
    *,
    model: str = IMAGE_MODEL,
    n: int = 1,
    size: str = "",
    out: Path | None = None,
) -> tuple[Image, ...]:
    """Return pictures of the prompt, saved to ``out`` if that is given.

    ``out`` is the file of the first (further ones get a number), or a folder where names are
    made from the prompt. Raises AnswerUnusable if anything that came is no picture; those that
    are have been saved by then.
    """
    if out is not None:  # a path that cannot be written should cost nothing
        (out if _is_folder(out) else out.parent).mkdir(parents=True, exist_ok=True)
    asked: dict[str, object] = {"model": model, "prompt": prompt, "n": n}
    told = await ask(
        client,
        "POST",
        "/images/generations",
        headers={TASK_HEADER: "image"},
        payload={**asked, "size": size} if size else asked,
    )
    items = _items(told.payload.get("data"))
    came = await asyncio.gather(*(_picture(item) for item in items), return_exceptions=True)
    good = [one for one in came if isinstance(one, Image)]
    saved = tuple(_saved(picture, prompt, out, place) for place, picture in enumerate(good, 1))
    _refuse_bad(came, told.endpoint, saved)
    return saved


def _items(data: object) -> list[dict[str, object]]:
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


async def _picture(item: dict[str, object]) -> Image:
    """Decode or fetch one picture of an answer."""
    url, encoded = item.get("url"), item.get("b64_json")
    if isinstance(url, str) and url.startswith("data:"):
        encoded = url.partition("base64,")[2]
    if isinstance(encoded, str) and encoded:
        data = _decoded(encoded)
    elif isinstance(url, str):
        data = await _fetched(url)
    else:
        raise AnswerUnusable("it holds neither a picture nor an address of one")
    kind = media_files.kind_of(data)
    if kind not in media_files.PICTURES:
        raise AnswerUnusable("its bytes are not those of a picture")
    revised = item.get("revised_prompt")
    return Image(data, kind, revised_prompt=revised if isinstance(revised, str) else "")


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise AnswerUnusable("its base64 is broken") from error


async def _fetched(url: str) -> bytes:
    """Read an address that an endpoint named; it is given no key and no more than its part."""
    secure = _checked(url)
    async with httpx2.AsyncClient(
        verify=secure, trust_env=secure, timeout=DOWNLOAD_SECONDS
    ) as plain:
        try:
            return await _read(plain, url)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            said = str(error) or type(error).__name__
            raise AnswerUnusable(f"its address cannot be read ({said})") from error


async def _read(plain: httpx2.AsyncClient, url: str) -> bytes:
    whole = bytearray()
    # Raw bytes: what is compressed could be small on the way and huge in memory.
    headers = {"accept": "image/*", "accept-encoding": "identity"}
    async with plain.stream("GET", url, headers=headers) as response:
        if not response.is_success:
            raise AnswerUnusable(f"its address answered {response.status_code}")
        async for chunk in response.aiter_raw():
            whole += chunk
            if len(whole) > MOST_IMAGE_BYTES:
                raise AnswerUnusable(f"it has more than {MOST_IMAGE_BYTES:,} bytes")
    return bytes(whole)


def _checked(url: str) -> bool:
    """Return whether the address is https; raise if it is neither that nor on this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise AnswerUnusable("its address is not https")
    return parts.scheme == "https"


def _is_folder(out: Path) -> bool:
    return out.is_dir() or not out.suffix


def _saved(picture: Image, prompt: str, out: Path | None, place: int) -> Image:
    """Save the picture, which takes too few milliseconds to be worth a thread."""
    if out is None:
        return picture
    if _is_folder(out):
        path = media_files.free_name(out, prompt, picture.kind)
    else:
        path = out if place == 1 else out.with_stem(f"{out.stem}-{place}")
    media_files.save(picture.data, path)
    return Image(picture.data, picture.kind, path, picture.revised_prompt)


def _refuse_bad(
    came: Sequence[Image | BaseException], endpoint: str, saved: Sequence[Image]
) -> None:
    """Raise for the first answer that is no picture, and for none at all."""
    bad = [one for one in came if isinstance(one, BaseException)]
    for one in bad:
        if not isinstance(one, GatewayError):
            raise one
    if came and not bad:
        return
    reason = bad[0] if bad else "it has no pictures"
    kept = ", ".join(str(picture.path) for picture in saved if picture.path)
    raise AnswerUnusable(
        f"an answer of {endpoint} for {len(came)} pictures cannot be used, {reason}"
        + (f" (saved: {kept})" if kept else ""),
        mend="ask again, or ask another model",
    )
