"""Each sentence of the demo world as a claim: true, reworded, or with one thing wrong in it."""

import asyncio

import pytest

from agent.adapters.extractive import ExtractiveTransport
from agent.adapters.gateway_chat import GatewayChat
from agent.demo import texts
from agent.testing.catching import Material, Tally, alarmed, caught, gathered
from agent.testing.changing import Change, Changed, in_process
from agent.testing.checking_models import lenient
from agent.testing.misbehaving import Fault, Misbehaving
from agent.testing.rewording import Rewording
from gateway_client.client import GatewayClient

CAUGHT_FROM = 0.95
ALARMS_UP_TO = 0.02


@pytest.fixture(scope="module")
def material() -> Material:
    every = [*texts.read_texts("pages"), *texts.read_texts("papers")]
    return asyncio.run(gathered({text.title: text.body for text in every}))


async def slipped(material: Material, fault: Fault, *before: Change) -> Tally:
    """Plant a fault in every claim that offers a hold; the judge lets everything pass."""
    async with GatewayClient(in_process(Changed(ExtractiveTransport(), lenient))) as client:
        misbehaving = Misbehaving({fault: 1.0})
        return await caught(material, misbehaving, *before, model=GatewayChat(client))


async def alarms(material: Material, *changes: Change) -> Tally:
    async with GatewayClient(in_process(Changed(ExtractiveTransport(), lenient))) as client:
        return await alarmed(material, *changes, model=GatewayChat(client))


@pytest.mark.parametrize("before", [(), (Rewording(),)], ids=["quoted", "reworded"])
@pytest.mark.parametrize("fault", ["invented_id", "invented_quote", "invented_number"])
async def test_nothing_invented_holds(
    material: Material, fault: Fault, before: tuple[Change, ...]
) -> None:
    tally = await slipped(material, fault, *before)
    assert tally.tried > 500
    assert tally.counted == ()


@pytest.mark.parametrize("before", [(), (Rewording(),)], ids=["quoted", "reworded"])
@pytest.mark.parametrize(("fault", "fewest"), [("flipped_negation", 300), ("swapped_entity", 60)])
async def test_a_sentence_turned_into_its_opposite_or_about_another_hardly_ever_holds(
    material: Material, fault: Fault, fewest: int, before: tuple[Change, ...]
) -> None:
    tally = await slipped(material, fault, *before)
    assert tally.tried > fewest
    assert tally.share <= 1 - CAUGHT_FROM


async def test_a_sentence_quoted_word_for_word_is_never_refused(material: Material) -> None:
    tally = await alarms(material)
    assert tally.tried > 500
    assert tally.counted == ()


async def test_a_true_sentence_in_other_words_is_hardly_ever_refused(material: Material) -> None:
    assert (await alarms(material, Rewording())).share <= ALARMS_UP_TO
