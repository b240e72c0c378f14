"""Last, and only if asked for: a picture for the cover, which shows nothing that was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from agent import templating
from agent.domain.evidence import Failure
from agent.domain.report import Cover
from agent.errors import ModelUnavailable

if TYPE_CHECKING:
    from agent.domain.question import Brief
    from agent.ports import Illustrator


class Illustrated(NamedTuple):
    """The cover, the bytes of its file, and why there is none if it could not be had."""

    cover: Cover | None = None
    data: bytes = b""
    failures: tuple[Failure, ...] = ()


async def illustrate(brief: Brief, *, illustrator: Illustrator | None) -> Illustrated:
    """Have a cover drawn; without an illustrator there is none, and that is no failure."""
    if illustrator is None:
        return Illustrated()
    prompt = templating.prompt("5-render/cover", subject=brief.restated).user
    try:
        drawn = await illustrator.picture(prompt)
    except ModelUnavailable as error:
        return Illustrated(failures=(Failure("the cover could not be drawn", str(error)),))
    return Illustrated(Cover(f"cover.{drawn.kind}", drawn.model, prompt), drawn.data)
