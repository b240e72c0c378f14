import asyncio
from decimal import Decimal

import pytest

from agent.domain.prompt import Prompt
from agent.domain.report import Usage
from agent.errors import BudgetSpent, ModelUnavailable
from agent.ports import Reply
from agent.stages.limits import Brake, Limited, Limits
from agent.stages.replies import OutlineReply
from agent.testing import Answer, ScriptedModel

PROMPT = Prompt("You plan.", "Plan.")


def titled(title: str) -> ScriptedModel:
    return ScriptedModel(lambda task, prompt: {"sections": [{"title": title, "sub_questions": []}]})


class Spender(ScriptedModel):
    """A model that used so much before."""

    def __init__(self, used: Usage) -> None:
        super().__init__(lambda task, prompt: {"sections": []})
        self.used = used

    def usage(self) -> Usage:
        return self.used


@pytest.mark.parametrize(
    ("limits", "used", "says"),
    [
        (Limits(usd=Decimal(2)), Usage(usd=Decimal("0.70")), "30% of the limit of 2 dollars"),
        (Limits(tokens=10_000), Usage(1, 2_000, 1_500), "30% of the limit of 10,000 tokens"),
        (Limits(minutes=10), Usage(), "30% of the limit of 10 minutes"),
    ],
)
def test_some_work_is_left_alone_earlier_than_other(limits: Limits, used: Usage, says: str) -> None:
    at = iter([0.0, *[200.0] * 9])
    brake = Brake(limits, seconds=lambda: next(at))
    assert brake.reason("refine", used) == f"{says} is used up"
    assert brake.reason("write", used) == ""
    assert brake.reason("judge", used) == ""


def test_without_limits_nothing_is_held_back_until_the_brake_is_pulled() -> None:
    brake = Brake()
    assert brake.reason("refine", Usage(10**6, 10**9, 10**9, Decimal(10**6))) == ""
    brake.pull("stopped by hand")
    brake.pull("again")
    assert brake.reason("judge") == "stopped by hand"


async def test_waiting_ends_when_the_brake_is_pulled_or_the_time_for_the_work_is_up() -> None:
    brake = Brake()
    asyncio.get_running_loop().call_later(0.01, brake.pull, "stopped by hand")
    assert await brake.pulled("retrieve") == "stopped by hand"
    short = Brake(Limits(minutes=0.0001))
    assert "minutes in all, is used up" in await short.pulled("retrieve")


async def test_beyond_the_limit_the_understudy_answers_and_that_is_told_once() -> None:
    model = Spender(Usage(usd=Decimal("0.90")))
    brake = Brake(Limits(usd=Decimal(1)))
    limited = Limited(model, titled("quoted"), brake)
    for _ in range(2):
        answer = await limited.ask(PROMPT, OutlineReply, task="outline")
        assert answer.sections[0].title == "quoted"
    assert model.asked == []
    (failure,) = limited.failures()
    assert failure.what == "no model was asked to outline"
    assert "limit of 1 dollars" in failure.why
    assert list(brake.cut) == ["65% of the limit of 1 dollars is used up"]
    await limited.ask(PROMPT, OutlineReply, task="judge")
    assert len(model.asked) == 1


async def test_a_call_that_might_take_too_much_goes_to_the_understudy() -> None:
    def refuse(task: str, prompt: Prompt) -> Answer:
        return BudgetSpent("this call might bring the budget to 3")

    limited = Limited(ScriptedModel(refuse), titled("quoted"), Brake())
    answer = await limited.ask(PROMPT, OutlineReply, task="write")
    assert answer.sections[0].title == "quoted"


async def test_a_model_that_fails_is_not_replaced() -> None:
    def down(task: str, prompt: Prompt) -> Answer:
        return ModelUnavailable("down")

    with pytest.raises(ModelUnavailable, match="down"):
        await Limited(ScriptedModel(down), titled("quoted"), Brake()).ask(
            PROMPT, OutlineReply, task="write"
        )


class Slow(ScriptedModel):
    """A model that never answers."""

    given_up = False

    async def ask(self, prompt: Prompt, reply: type[Reply], *, task: str) -> Reply:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            self.given_up = True
            raise
        raise AssertionError


@pytest.mark.parametrize("limits", [Limits(), Limits(minutes=0.0005)])
async def test_a_call_under_way_is_given_up_when_the_brake_is_pulled(limits: Limits) -> None:
    brake, model = Brake(limits), Slow(lambda task, prompt: {})
    if limits.minutes is None:
        asyncio.get_running_loop().call_later(0.01, brake.pull, "stopped by hand")
    answer = await Limited(model, titled("quoted"), brake).ask(PROMPT, OutlineReply, task="write")
    assert answer.sections[0].title == "quoted"
    assert model.given_up


async def test_whoever_waits_for_a_limited_model_may_stop_waiting() -> None:
    model = Slow(lambda task, prompt: {})
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await Limited(model, titled("quoted"), Brake()).ask(PROMPT, OutlineReply, task="write")
    assert model.given_up
