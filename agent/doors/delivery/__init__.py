"""Delivers finished reports; what cannot be delivered is told and recorded, and fails nothing."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from agent.adapters.whole_files import write_whole
from agent.domain.events import Event, Tell, tell_nobody
from agent.doors.delivery.command import to_command
from agent.doors.delivery.mail import by_mail
from agent.doors.delivery.options import Delivery, Mail, Webhook, delivery_from
from agent.doors.delivery.parcel import Parcel, Undelivered
from agent.doors.delivery.webhook import to_webhook

if TYPE_CHECKING:
    from collections.abc import Coroutine

__all__ = ["Delivered", "Delivery", "Mail", "Parcel", "Webhook", "deliver", "delivery_from"]

_log = logging.getLogger("agent")

RECORD: Final = "deliveries.json"


@dataclass(frozen=True, slots=True)
class Delivered:
    """One way a report went; ``problem`` says why it did not arrive, and is empty if it did."""

    way: str
    problem: str = ""


async def deliver(
    delivery: Delivery, parcel: Parcel, *, tell: Tell = tell_nobody
) -> tuple[Delivered, ...]:
    """Deliver a report in every way there is, all at once, and record what came of it.

    The record is ``deliveries.json`` in the run's folder.
    """
    ways = _ways(delivery, parcel)
    outcomes = await asyncio.gather(*(_tried(way, sent) for way, sent in ways.items()))
    for one in outcomes:
        if one.problem:
            _log.warning("%s: not delivered by %s: %s", parcel.series, one.way, one.problem)
        said = f"failed: {one.way}: {one.problem}" if one.problem else f"delivered: {one.way}"
        tell(Event("render", said, "failed" if one.problem else "note"))
    record = json.dumps([asdict(one) for one in outcomes], ensure_ascii=False, indent=2) + "\n"
    try:
        await asyncio.to_thread(write_whole, parcel.folder / RECORD, record.encode())
    except OSError as error:
        tell(Event("render", f"failed: {RECORD}: {error.strerror or error}", "failed"))
    return tuple(outcomes)


def _ways(delivery: Delivery, parcel: Parcel) -> dict[str, Coroutine[None, None, None]]:
    ways: dict[str, Coroutine[None, None, None]] = {}
    if delivery.command:
        ways["command"] = to_command(delivery.command, parcel)
    if delivery.webhook:
        ways["webhook"] = to_webhook(delivery.webhook, parcel)
    if delivery.mail:
        ways["mail"] = by_mail(delivery.mail, parcel)
    return ways


async def _tried(way: str, sent: Coroutine[None, None, None]) -> Delivered:
    try:
        await sent
    except Undelivered as error:
        return Delivered(way, str(error))
    return Delivered(way)
