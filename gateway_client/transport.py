"""The attempt loop: who is asked, how often, and when to stop. Nothing else decides retries.

It does no input or output. Like an httpx auth flow, it is a generator that yields what to do
next and is sent what came of it, so that one loop serves every kind of client.
"""

from __future__ import annotations

import random
import time
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from gateway_client import addressing, answering, exchange, faults, telemetry, wire
from gateway_client.accounts import Accounts, Attempt
from gateway_client.catalog import sure_output
from gateway_client.errors import (
    BudgetSpent,
    ConfigInvalid,
    GatewayError,
    MaybeAccepted,
    RequestRefused,
    UpstreamFailed,
    WrongModality,
)
from gateway_client.exchange import (
    PINNED,
    ROUTED,
    Answer,
    Call,
    Keep,
    Landed,
    Send,
    Slow,
    Trial,
    Wait,
)
from gateway_client.faults import Arrived, Fault, Kind, Lost, Outcome
from gateway_client.health import Health
from gateway_client.limits import Limits, Retries
from gateway_client.redaction import Redaction
from gateway_client.roster import Roster
from gateway_client.routing import router
from gateway_client.streaming import Settlement

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from gateway_client.config import Config
    from gateway_client.ledger import Ledger
    from gateway_client.pool import Lane
    from gateway_client.routing.router import Decision
    from gateway_client.streaming import Relay

Step = Send | Wait | Keep
Word = Outcome | Slow | Landed | None

MAX_BACKOFF_SECONDS: Final = 4.0
LEAST_SECONDS: Final = 0.001
"""What is left to a send that begins at the very deadline."""

_MADE_BY: Final = {
    ROUTED: "text",
    "/responses": "text",
    "/images/generations": "image",
    "/images/edits": "image",
    "/videos": "video",
}
"""What each call asks a model to make; for others any model may do."""


class PoolState:
    """What is known of endpoints and keys: their health, and what is left of their limits.

    Clients of the same endpoints may share one, so that all of them keep to the limits together.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.health = Health(clock)
        self.limits = Limits(clock)


class Switchboard:
    """Connects calls to endpoints, for all transports of one client."""

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        clock: Callable[[], float],
        chance: Callable[[], float] = random.random,
        state: PoolState | None = None,
    ) -> None:
        state = state or PoolState(clock)
        self.config = config
        self.ledger = ledger
        self.health = state.health
        self.limits = state.limits
        self.accounts = Accounts(config, ledger, self.limits)
        self.roster = Roster(config, self.health, self.limits, clock, self.accounts.expected)
        self._redaction = Redaction.of(config.endpoints)
        self._streamless: set[tuple[str, str]] = set()
        self._retries = Retries(config.policy.retry_ratio, clock)
        self._clock = clock
        self._chance = chance

    def connect(self, call: Call) -> Generator[Step, Word, Answer]:
        """Try until there is an answer, or until trying makes no more sense."""
        try:
            trial = self._trial(call)
        except GatewayError as error:
            return answering.refusal(error, {})
        try:
            answer = yield from self._connect(trial)
        except GeneratorExit:
            self.accounts.tell(trial, "cancelled")
            raise
        if answer.settlement is None:
            refused = "RequestRefused" if answer.status >= HTTPStatus.BAD_REQUEST else ""
            self.accounts.tell(trial, type(answer.error).__name__ if answer.error else refused)
        return answer

    def _connect(self, trial: Trial) -> Generator[Step, Word, Answer]:
        self._retries.earn()
        while self._may_go_on(trial):
            lane = self.roster.choose(trial)
            if lane is None:
                seconds = self._pause(trial)
                if seconds is None:
                    break
                yield Wait(seconds)
                continue
            if trial.attempts and not trial.was_unsent and not self._retries.take():
                break
            answer = yield from self._attempt(trial, lane)
            if answer is not None:
                return answer
        return self._give_up(trial)

    def _may_go_on(self, trial: Trial) -> bool:
        in_time = not trial.attempts or self._clock() < trial.deadline
        return in_time and trial.attempts < self.config.policy.attempts and not trial.stopped

    def _trial(self, call: Call) -> Trial:
        policy = self.config.policy
        payload = wire.payload_of(call.body) if call.body else None
        if payload is None and call.holds_json:
            raise RequestRefused("the body is not a JSON object", mend="send one as UTF-8 JSON")
        payload = payload or {}
        task = call.task or str(payload.get(exchange.TASK_FIELD) or "")
        seconds = call.seconds
        hurried = seconds is not None and seconds != policy.read_seconds  # the client's own default
        if seconds is None or not hurried:
            seconds = policy.deadline_seconds
        return Trial(
            call=call,
            payload=payload,
            task=task,
            decision=self._decide(call, payload, task),
            deadline=self._clock() + seconds,
            hurried=hurried,
            patience=policy.patience_seconds,
            spell=telemetry.begin(call.name, str(payload.get("model") or "")),
        )

    def _decide(self, call: Call, payload: wire.Payload, task: str) -> Decision:
        if call.method != "POST":
            return router.Decision(("",), None, "not routed")
        model = payload.get("model")
        if isinstance(model, str):
            _check_output(call.name, model)
        if call.name == ROUTED:
            pressure = self.accounts.purse.pressure()
            return router.decide(
                self.config, payload, task, pressure, self.config.policy.strong_from
            )
        if call.name in PINNED and isinstance(model, str):
            return router.pin(self.config, model)
        return router.Decision(("",), None, "not routed")

    def _pause(self, trial: Trial) -> float | None:
        """Return how long to wait before looking again, or None if waiting makes no sense."""
        now = self._clock()
        seconds, patient = self.roster.wait(trial)
        if seconds == 0:
            backoff = self.config.policy.backoff_seconds * 2.0**trial.rounds
            seconds = min(backoff, MAX_BACKOFF_SECONDS) * (0.5 + self._chance() / 2)
        if now + seconds > trial.deadline:
            return None
        if not patient:
            trial.patience -= seconds
        trial.begin_round()
        return seconds if trial.patience >= 0 else None

    def _attempt(self, trial: Trial, lane: Lane) -> Generator[Step, Word, Answer | None]:
        """Ask once; return the answer, or None after a fault, which is remembered."""
        try:
            attempt = self._begin(trial, lane)
        except (BudgetSpent, ConfigInvalid) as error:  # the latter of a budget file
            return answering.refusal(error, answering.told(trial))
        if attempt is None:
            return None
        try:
            word = yield attempt.send
        except GeneratorExit:
            self._abandon(attempt)
            raise
        except Exception:  # it could not be sent at all
            self.health.release(lane, trial.model)
            self.accounts.release(attempt)
            raise
        if isinstance(word, Slow):
            return (yield from self._race(trial, attempt))
        if not isinstance(word, Arrived | Lost):
            raise TypeError("a Send must be answered with an Outcome")
        return self._judge(trial, attempt, word)

    def _begin(self, trial: Trial, lane: Lane) -> Attempt | None:
        """Make a call ready for a lane; None if it cannot be said there, which is remembered."""
        trial.tried.append(lane)
        seconds = max(trial.deadline - self._clock(), LEAST_SECONDS)
        try:
            send = addressing.send(
                trial,
                lane,
                self.config.policy,
                seconds,
                gathered=self._gathers(trial, lane),
                known=self.config.models.get(trial.model),
            )
        except RequestRefused as error:
            trial.barred.append(lane)
            trial.fault = trial.fault or Fault(Kind.REFUSED, error)
            return None
        trial.lane = lane
        attempt = self.accounts.open(trial, lane, send)
        self.health.admit(lane, trial.model)
        trial.attempts += 1
        return attempt

    def _gathers(self, trial: Trial, lane: Lane) -> bool:
        """Whether to ask for a stream in place of an answer in one piece, and put it together."""
        return (
            self.config.policy.gather
            and trial.call.name == ROUTED
            and trial.call.method == "POST"
            and not trial.streamed
            and "audio" not in trial.payload  # which is streamed in another format
            and (lane.endpoint.name, trial.model) not in self._streamless
        )

    def _race(self, trial: Trial, first: Attempt) -> Generator[Step, Word, Answer | None]:
        """Ask a second lane beside a silent one; the first good answer counts."""
        flying = [first]
        try:
            second = self._second(trial)
            step: Step = second.send if second else Keep()
            flying += [second] if second else []
            while flying:
                word = yield step
                if not isinstance(word, Landed):
                    raise TypeError("a race must be answered with what Landed")
                (attempt,) = (one for one in flying if one.send is word.send)
                flying.remove(attempt)
                answer = self._judge(trial, attempt, word.outcome)
                if answer is not None:
                    return answer
                step = Keep()
        finally:
            for loser in flying:
                self._abandon(loser)
        return None

    def _second(self, trial: Trial) -> Attempt | None:
        """Begin the second attempt of a race, on another lane with the same model."""
        lane = self.roster.another(trial)
        if lane is None or not self._may_go_on(trial) or not self._retries.take():
            return None
        try:
            return self._begin(trial, lane)
        except BudgetSpent:
            return None  # a hedge is a luxury

    def _judge(self, trial: Trial, attempt: Attempt, outcome: Outcome) -> Answer | None:
        """Accept what came of an attempt, or remember what was wrong with it."""
        lane, model = attempt.lane, attempt.model
        if isinstance(outcome, Arrived):
            self.limits.learn(lane, model, outcome.headers)
        if attempt.gathers and faults.refuses_stream(outcome):
            self._ask_again_in_one_piece(trial, attempt)
            return None
        outcome = answering.understood(trial, lane, self._redacted(outcome))
        trial.lane, trial.outcome = lane, outcome
        trial.fault = faults.fault_in(outcome, lane, model) or _whole(trial, outcome)
        if trial.fault is None and isinstance(outcome, Arrived):
            if outcome.body is not None:  # a stream has yet to come to a good end
                self.health.succeeded(lane, model)
            return self._accept(trial, attempt, outcome)
        self.accounts.fail(attempt)
        if trial.fault is not None:
            self.health.failed(lane, model, trial.fault)
            trial.stopped = trial.call.only_once and _may_be_accepted(trial.fault, outcome)
        return None

    def _ask_again_in_one_piece(self, trial: Trial, attempt: Attempt) -> None:
        """Remember that a model is not streamed there; the attempt does not count."""
        self._streamless.add((attempt.lane.endpoint.name, attempt.model))
        self.health.release(attempt.lane, attempt.model)
        self.accounts.release(attempt)
        trial.tried.remove(attempt.lane)
        trial.attempts -= 1

    def _abandon(self, attempt: Attempt) -> None:
        """End an attempt that nobody waits for any more; it may have to be paid."""
        self.health.release(attempt.lane, attempt.model)
        self.accounts.abandon(attempt)

    def _accept(self, trial: Trial, attempt: Attempt, arrived: Arrived) -> Answer:
        headers = self._returned(arrived) | answering.told(trial)
        if arrived.body is None:
            settlement = Settlement(attempt.relay, lambda relay: self._settle(attempt, relay))
            return Answer(arrived.status, headers, None, settlement)
        if arrived.status >= HTTPStatus.BAD_REQUEST:
            self.accounts.release(attempt)
            return Answer(arrived.status, headers, arrived.body)
        if not trial.model:
            self.accounts.release(attempt)
            return Answer(arrived.status, headers, arrived.body)
        usd = self.accounts.settle(attempt, answering.usage(trial, arrived))
        return Answer(arrived.status, headers | answering.cost_header(usd), arrived.body)

    def _settle(self, attempt: Attempt, relay: Relay) -> None:
        """End a stream: what it cost, and, if it failed on its way, whose fault that was."""
        self.accounts.settle(attempt, relay.usage())
        if relay.problem:
            relay.scrub(self._redaction.text)
            error = UpstreamFailed(f"the stream of {attempt.lane.label} failed on its way")
            self.health.failed(attempt.lane, attempt.model, Fault(Kind.BROKEN, error))
        else:
            self.health.succeeded(attempt.lane, attempt.model)
        self.accounts.tell(attempt.trial, "UpstreamFailed" if relay.problem else "")

    def _give_up(self, trial: Trial) -> Answer:
        """Hand on the endpoint's own last word where there is one, else say it in its place."""
        fault = trial.fault or self.roster.blocking(trial)
        told = answering.told(trial)
        if fault.kind is Kind.LIMITED:
            told["retry-after"] = str(self.roster.retry_after(trial, fault))
        error = self._safe(fault.error)
        if trial.stopped:
            return answering.refusal(_maybe_accepted(trial, error), told)
        match trial.outcome:
            case Lost():
                return Answer(0, told, b"", error=error)
            case Arrived(status=status, body=bytes(body)) if status >= HTTPStatus.BAD_REQUEST:
                headers = {**self._returned(trial.outcome), **told}
                return Answer(status, headers, body, error=error)
        return answering.refusal(error, told)

    def _safe(self, error: GatewayError) -> GatewayError:
        """Return the error without any key that an endpoint may have quoted back at us."""
        return type(error)(self._redaction.text(error.message), mend=error.mend)

    def _returned(self, arrived: Arrived) -> dict[str, str]:
        headers = answering.returned(arrived).items()
        return {name: self._redaction.text(value) for name, value in headers}

    def _redacted(self, outcome: Outcome) -> Outcome:
        """Return an outcome whose body quotes no key, before anything is cut out of it."""
        if not isinstance(outcome, Arrived) or outcome.body is None:
            return outcome
        body = self._redaction.body(outcome.body)
        return outcome if body is outcome.body else replace(outcome, body=body)


def _check_output(name: str, model: str) -> None:
    wanted, made = _MADE_BY.get(name), sure_output(model)
    if wanted is not None and made is not None and made != wanted:
        raise WrongModality(
            f"{model} makes {made}, and {name} asks for {wanted}",
            mend=f"name a model that makes {wanted}",
        )


def _whole(trial: Trial, outcome: Outcome) -> Fault | None:
    """Find the answer that came in one piece although a stream was asked for."""
    if not trial.streamed or not trial.model or not isinstance(outcome, Arrived):
        return None
    if outcome.body is None or outcome.status >= HTTPStatus.BAD_REQUEST:
        return None
    return Fault(Kind.BROKEN, UpstreamFailed("a stream was asked for, and something else came"))


def _may_be_accepted(fault: Fault, outcome: Outcome) -> bool:
    """Whether an endpoint may have taken on what it did not clearly refuse."""
    if isinstance(outcome, Lost):
        return not outcome.unsent
    return fault.kind is Kind.BROKEN and outcome.status != HTTPStatus.SERVICE_UNAVAILABLE


def _maybe_accepted(trial: Trial, error: GatewayError) -> MaybeAccepted:
    label = trial.lane.label if trial.lane else ""
    return MaybeAccepted(
        f"{label} may have accepted this, but its answer was lost ({error.message})",
        mend="look for it before ordering again",
    )
