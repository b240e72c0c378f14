"""The attempt loop: who is asked, how often, and when to stop. Nothing else decides retries.

It does no input or output. Like an httpx auth flow, it is a generator that yields what to do
next and is sent what came of it, so that one loop serves every kind of client.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gateway_client import exchange, faults, prices, router, wire
from gateway_client.errors import GatewayError, RateLimited
from gateway_client.exchange import PINNED, ROUTED, Answer, Call, Send, Trial, Wait
from gateway_client.faults import Arrived, Fault, Kind, Lost, Outcome
from gateway_client.health import MAX_COOL_SECONDS, Health
from gateway_client.ledger import Entry
from gateway_client.pool import Lane, Pool
from gateway_client.streaming import Settlement, UsageTap

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from gateway_client.config import Config
    from gateway_client.ledger import Ledger
    from gateway_client.router import Decision

MAX_BACKOFF_SECONDS: Final = 4.0

_PAST_DEADLINE: Final = Fault(
    Kind.LIMITED, RateLimited("no endpoint was free in time", mend="wait, or add keys to the pool")
)


class Switchboard:
    """Connects calls to endpoints, for all transports of one client."""

    def __init__(self, config: Config, ledger: Ledger, clock: Callable[[], float]) -> None:
        self.config = config
        self.ledger = ledger
        self.health = Health(clock)
        self.pool = Pool(config.endpoints)
        self._clock = clock

    def connect(self, call: Call) -> Generator[Send | Wait, Outcome | None, Answer]:
        """Try until there is an answer, or until trying makes no more sense."""
        payload = wire.payload_of(call.body) or {}
        try:
            decision = self._decide(call, payload)
        except GatewayError as error:
            return exchange.refusal(error, {})
        trial = self._trial(call, payload, decision)
        while self._may_go_on(trial):
            lane = self._lane(trial)
            if lane is None:
                seconds = self._pause(trial)
                if seconds is None:
                    break
                yield Wait(seconds)
                continue
            answer = yield from self._attempt(trial, lane)
            if answer is not None:
                return answer
        return self._give_up(trial)

    def _may_go_on(self, trial: Trial) -> bool:
        in_time = not trial.attempts or self._clock() < trial.deadline
        return in_time and trial.attempts < self.config.policy.attempts

    def _trial(self, call: Call, payload: wire.Payload, decision: Decision) -> Trial:
        policy = self.config.policy
        deadline = self._clock() + policy.deadline_seconds
        return Trial(call, payload, decision, deadline, policy.patience_seconds)

    def _decide(self, call: Call, payload: wire.Payload) -> Decision:
        if call.method == "POST" and call.name == ROUTED:
            return router.decide(self.config, payload, call.task)
        model = payload.get("model") if call.name in PINNED else None
        if isinstance(model, str):
            return router.pin(self.config, model)
        return router.Decision(("",), None, "not routed")

    def _lanes(self, model: str) -> list[Lane]:
        return [lane for lane in self.pool.lanes if not model or lane.endpoint.serves(model)]

    def _lane(self, trial: Trial) -> Lane | None:
        """Choose the first model that anyone can be asked for, and whom to ask.

        A model is passed over only if nobody can be asked for it: one failure is no reason to
        give the caller a lesser one.
        """
        for model in trial.decision.models:
            fit = [lane for lane in self._lanes(model) if self.health.usable(lane, model)]
            if fit:
                trial.tried = trial.tried if model == trial.model else []
                trial.model = model
                return self.pool.pick(fit, trial.tried)
        return None

    def _pause(self, trial: Trial) -> float | None:
        """Return how long to wait before looking again, or None if waiting makes no sense."""
        now = self._clock()
        seconds, patient = self._shortest_wait(trial)
        if seconds == 0:
            backoff = self.config.policy.backoff_seconds * 2.0**trial.rounds
            seconds = min(backoff, MAX_BACKOFF_SECONDS)
        if now + seconds > trial.deadline:
            return None
        if not patient:
            trial.patience -= seconds
        trial.begin_round()
        return seconds if trial.patience >= 0 else None

    def _shortest_wait(self, trial: Trial) -> tuple[float, bool]:
        """Return the seconds until a lane may be asked again, and whether it only cools down.

        Waiting for one that is broken costs patience; for a refused key nobody waits.
        """
        now = self._clock()
        waits = [(float("inf"), True)]
        for lane, model in self._places(trial):
            blame = self.health.blame(lane, model)
            if blame is None:
                return 0.0, True
            if blame.kind in {Kind.LIMITED, Kind.BROKEN}:
                ready = self.health.ready_at(lane, model)
                waits.append((ready - now, blame.kind is Kind.LIMITED))
        return min(waits)

    def _places(self, trial: Trial) -> Iterator[tuple[Lane, str]]:
        for model in trial.decision.models:
            for lane in self._lanes(model):
                yield lane, model

    def _attempt(
        self, trial: Trial, lane: Lane
    ) -> Generator[Send | Wait, Outcome | None, Answer | None]:
        """Ask once; return the answer, or None after a fault, which is remembered."""
        self.health.admit(lane, trial.model)
        trial.attempts += 1
        trial.tried.append(lane)
        trial.lane = lane
        try:
            outcome = yield exchange.send(trial, lane)
        except GeneratorExit:
            self.health.release(lane, trial.model)
            raise
        if outcome is None:
            raise RuntimeError("a Send must be answered with an Outcome")
        trial.outcome = outcome
        trial.fault = faults.fault_in(outcome, lane, trial.model)
        if trial.fault is None and isinstance(outcome, Arrived):
            self.health.succeeded(lane, trial.model)
            return self._accept(trial, lane, outcome)
        if trial.fault is not None:
            self.health.failed(lane, trial.model, trial.fault)
        return None

    def _accept(self, trial: Trial, lane: Lane, arrived: Arrived) -> Answer:
        headers = {**self._returned(arrived), **exchange.told(trial)}
        if arrived.body is None:
            return Answer(arrived.status, headers, None, self._settlement(trial, lane))
        if arrived.status >= HTTPStatus.BAD_REQUEST:
            return Answer(arrived.status, headers, self._scrubbed(arrived.body))
        if trial.model:
            self._settle(trial, lane, exchange.usage(trial, arrived.body))
        return Answer(arrived.status, headers, arrived.body)

    def _settlement(self, trial: Trial, lane: Lane) -> Settlement:
        tap = UsageTap(wire.prompt_tokens(trial.payload))
        return Settlement(tap, lambda usage: self._settle(trial, lane, usage))

    def _settle(self, trial: Trial, lane: Lane, usage: wire.Usage) -> None:
        self.ledger.settle(
            Entry(
                task=trial.call.task,
                model=trial.model,
                endpoint=lane.endpoint.name,
                key=lane.label,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cached_tokens=usage.cached_tokens,
                usd=prices.price(trial.model, usage, self.config.models),
                estimated=usage.estimated,
            )
        )

    def _give_up(self, trial: Trial) -> Answer:
        """Hand on the endpoint's own last word where there is one, else say it in its place."""
        fault = trial.fault or self._blocking(trial)
        told = exchange.told(trial)
        if fault.kind is Kind.LIMITED:
            told["retry-after"] = str(self._retry_after(trial, fault))
        error = self._safe(fault.error)
        match trial.outcome:
            case Lost():
                return Answer(0, told, b"", error=error)
            case Arrived(status=status, body=bytes(body)) if status >= HTTPStatus.BAD_REQUEST:
                headers = {**self._returned(trial.outcome), **told}
                return Answer(status, headers, self._scrubbed(body), error=error)
        return exchange.refusal(error, told)

    def _blocking(self, trial: Trial) -> Fault:
        """Return the fault because of which nobody could be asked; a pause before anything."""
        blamed = [self.health.blame(lane, model) for lane, model in self._places(trial)]
        found = [fault for fault in blamed if fault is not None]
        pauses = [fault for fault in found if fault.kind is Kind.LIMITED]
        return (pauses or found or [_PAST_DEADLINE])[0]

    def _retry_after(self, trial: Trial, fault: Fault) -> int:
        """Return the whole seconds after which asking again makes sense."""
        ready = self._shortest_wait(trial)[0]
        said = fault.retry_after if fault.retry_after is not None else 1.0
        return max(1, round(min(said if ready == float("inf") else ready, MAX_COOL_SECONDS)))

    def _safe(self, error: GatewayError) -> GatewayError:
        """Return the error without any key that an endpoint may have quoted back at us."""
        return type(error)(self.config.without_secrets(error.message), mend=error.mend)

    def _returned(self, arrived: Arrived) -> dict[str, str]:
        headers = exchange.returned(arrived).items()
        return {name: self.config.without_secrets(value) for name, value in headers}

    def _scrubbed(self, body: bytes) -> bytes:
        text = body.decode("utf-8", "surrogateescape")
        return self.config.without_secrets(text).encode("utf-8", "surrogateescape")
