"""Opens an account for every attempt and closes it once: limits, budget and ledger agree."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from gateway_client import prices, telemetry, wire
from gateway_client.budgets import Purse
from gateway_client.ledger import Entry

if TYPE_CHECKING:
    from decimal import Decimal

    from gateway_client.budgets import Reservation
    from gateway_client.config import Config
    from gateway_client.exchange import Send, Trial
    from gateway_client.ledger import Ledger
    from gateway_client.limits import Limits, Taking
    from gateway_client.pool import Lane
    from gateway_client.streaming import Relay

ASSUMED_REPLY_TOKENS: Final = 4_096
"""What a reply is taken to need if neither the caller nor the configuration says how long it may
be; a longer one is paid all the same, and the next call finds the budget that much smaller."""

_log = logging.getLogger("gateway_client")


@dataclass(slots=True)
class Attempt:
    """One send on its way: where it went, and what was set aside for it."""

    trial: Trial
    lane: Lane
    model: str
    send: Send
    taking: Taking | None
    reservation: Reservation | None
    open: bool = True

    @property
    def gathers(self) -> bool:
        """Whether a stream is put together to the answer in one piece that is wanted."""
        return self.send.relay is not None and self.send.relay.gathering is not None

    @property
    def relay(self) -> Relay:
        """What the stream is read through."""
        if self.send.relay is None:
            raise RuntimeError("this attempt asked for no stream")
        return self.send.relay


class Accounts:
    """All accounts of one client."""

    def __init__(self, config: Config, ledger: Ledger, limits: Limits) -> None:
        self.purse = Purse(config.budget)
        self._config = config
        self._ledger = ledger
        self._limits = limits
        self._unpriced: set[str] = set()

    def expected(self, trial: Trial) -> int:
        """Return how many tokens a call is expected to take."""
        return trial.prompt_tokens + self._reply(trial)

    def open(self, trial: Trial, lane: Lane, send: Send) -> Attempt:
        """Set aside what an attempt may take; raise BudgetSpent if it would pass a cap."""
        model = trial.model
        reservation = self._reserve(trial) if model and self.purse.capped else None
        knows = self._limits.knows(lane, model)
        tokens = self.expected(trial) if knows else 0
        taking = self._limits.take(lane, model, tokens) if knows else None
        return Attempt(trial, lane, model, send, taking, reservation)

    def settle(self, attempt: Attempt, usage: wire.Usage) -> Decimal | None:
        """Write down what an attempt took, and return its price; the second time does nothing."""
        if not attempt.open:
            return None
        usd = prices.price(attempt.model, usage, self._config.models)
        if usd is None:
            self._shout(attempt.model)
        self._close(attempt, usd, usage.input_tokens + usage.output_tokens)
        self._ledger.settle(_entry(attempt, usage, usd))
        attempt.trial.paid = (usage, usd)
        return usd

    def release(self, attempt: Attempt) -> None:
        """Give back what was set aside for an attempt that was refused."""
        self._close(attempt, None, 0)

    def fail(self, attempt: Attempt) -> None:
        """End an attempt that failed: what was written until then may have to be paid."""
        if attempt.gathers and attempt.relay.begun:
            self.settle(attempt, attempt.relay.usage())
        else:
            self.release(attempt)

    def abandon(self, attempt: Attempt) -> None:
        """Write down an attempt that was given up: its prompt may have to be paid."""
        if attempt.gathers:
            self.settle(attempt, attempt.relay.usage())
        elif attempt.model:
            self.settle(attempt, wire.Usage(attempt.trial.prompt_tokens, 0, estimated=True))

    def tell(self, trial: Trial, error: str) -> None:
        """Tell how a call ended."""
        usage, usd = trial.paid or (None, None)
        telemetry.end(
            trial.spell,
            telemetry.Tale(
                task=trial.task,
                model=trial.model,
                lane=trial.lane,
                attempts=trial.attempts,
                reason=trial.decision.reason,
                usage=usage,
                usd=usd,
                error=error,
            ),
        )

    def _reply(self, trial: Trial) -> int:
        if trial.call.name == "/embeddings":
            return 0
        known = self._config.models.get(trial.model)
        most = known.max_output if known else None
        return wire.reply_room(trial.payload) or most or ASSUMED_REPLY_TOKENS

    def _reserve(self, trial: Trial) -> Reservation:
        usage = wire.Usage(
            trial.prompt_tokens,
            self._reply(trial),
            images=wire.pictures(trial.payload) if trial.call.name.startswith("/images/") else 0,
            video_seconds=wire.seconds(trial.payload),
        )
        usd = None
        if self.purse.capped_in_usd:
            usd = prices.price(trial.model, usage, self._config.models)
        return self.purse.reserve(trial.model, usd, usage.input_tokens + usage.output_tokens)

    def _close(self, attempt: Attempt, usd: Decimal | None, tokens: int) -> None:
        if not attempt.open:
            return
        attempt.open = False
        if attempt.taking is not None:
            self._limits.correct(attempt.lane, attempt.taking, tokens)
        if attempt.reservation is not None:
            self.purse.settle(attempt.reservation, usd, tokens)

    def _shout(self, model: str) -> None:
        if model not in self._unpriced:
            self._unpriced.add(model)
            _log.warning('the price of %s is not known; set it in [models."%s"]', model, model)


def _entry(attempt: Attempt, usage: wire.Usage, usd: Decimal | None) -> Entry:
    return Entry(
        task=attempt.trial.task,
        model=attempt.model,
        endpoint=attempt.lane.endpoint.name,
        key=attempt.lane.label,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cached_tokens=usage.cached_tokens,
        usd=usd,
        estimated=usage.estimated,
        images=usage.images,
        video_seconds=usage.video_seconds,
    )
