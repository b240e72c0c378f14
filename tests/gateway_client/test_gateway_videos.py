"""Films: ordered once, asked after where they were ordered, fetched whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_client import (
    AnswerUnusable,
    ConfigInvalid,
    GatewayError,
    JobFailed,
    MaybeAccepted,
    NoModel,
    QuotaSpent,
    RequestRefused,
    TimedOut,
    Unreachable,
)
from gateway_client.media import films as videos
from gateway_client.media.films import POLL_SECONDS, Videos, _film
from gateway_client.media.job import Job
from gateway_client.testing import Asked, FakeTime, Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gateway_client import Endpoint, GatewayClient

    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]

FILM = b"\0\0\0\x20ftypisom" + b"moving" * 50_000
JOB = Job("video_1", "one", "one#1", "sora-2")
CANARY = "sk-canary-of-a-key"


def said(status: str = "queued", **more: object) -> Reply:
    return Reply(body=json.dumps({"id": "video_1", "status": status, **more}).encode())


def film(body: bytes = FILM, **more: object) -> Reply:
    return Reply(body=body, headers={"content-type": "video/mp4"}, **more)  # type: ignore[arg-type] # any field of it


def studio(*states: Reply) -> Callable[[Asked], Reply]:
    """Accept an order, tell each state in turn (the last for good), and hand out the film."""
    left = list(states)

    def behave(asked: Asked) -> Reply:
        if asked.method == "POST":
            return said(model="sora-2", seconds="8", size="720x1280", progress=0)
        if asked.path.endswith("/content"):
            return film()
        return left.pop(0) if len(left) > 1 else left[0]

    return behave


def at(fake_time: FakeTime, gateway: GatewayClient) -> Videos:
    return Videos(gateway, clock=fake_time, sleep=fake_time.sleep)


async def test_a_film_is_ordered_waited_for_and_saved(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime, tmp_path: Path
) -> None:
    states = (
        said(),
        said("in_progress", progress=40),
        said("in_progress", progress=40),
        said("completed", progress=100),
    )
    seen: list[tuple[str, int]] = []
    async with (
        ScriptedGateway(studio(*states)) as one,
        client(endpoint("one", one, CANARY)) as gateway,
    ):
        films = at(fake_time, gateway)
        job = await films.create("a ship leaves", seconds=8, size="720x1280")
        done = await films.wait(job, lambda now: seen.append((now.status, now.progress)))
        path = await films.download(done, tmp_path / "new" / "ship.mp4")
        entries = gateway.ledger.entries
    assert job == Job("video_1", "one", "one#1", "sora-2", seconds="8", size="720x1280")
    assert one.asked[0].payload == {
        "model": "sora-2",
        "prompt": "a ship leaves",
        "seconds": "8",
        "size": "720x1280",
    }
    assert CANARY not in job.to_json()
    assert seen == [("in_progress", 40), ("completed", 100)]
    assert path.read_bytes() == FILM
    assert [(entry.task, str(entry.usd)) for entry in entries] == [("video", "0.80")]
    assert fake_time.slept == [POLL_SECONDS] * 3
    assert all(not name.startswith("x-gw-") for asked in one.asked for name in asked.headers)


async def test_all_later_calls_go_to_the_key_that_ordered(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime, tmp_path: Path
) -> None:
    async with (
        ScriptedGateway(studio(said("in_progress"), said("completed"))) as one,
        ScriptedGateway([Reply.failure(404, "no such video")]) as two,
        client(endpoint("one", one, "k1", "k2", "k3", weight=9), endpoint("two", two)) as gateway,
    ):
        films = at(fake_time, gateway)
        job = await films.create("a ship")
        resumed = Job.from_json(job.to_json())
        for _ in range(5):
            await films.poll(resumed)
        await films.download(resumed, tmp_path / "ship.mp4")
    assert job.lane.startswith("one#")
    assert {asked.key for asked in one.asked} == {f"k{job.lane[-1]}"}
    assert two.asked == []


@pytest.mark.parametrize("lost", [Reply(drop=True), Reply(cut=True), Reply.failure(500)])
async def test_an_order_that_may_have_been_accepted_is_never_repeated(
    lost: Reply, endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with (
        ScriptedGateway([lost]) as one,
        ScriptedGateway([said()]) as two,
        client(endpoint("one", one, "k1", "k2", weight=9), endpoint("two", two)) as gateway,
    ):
        with pytest.raises(MaybeAccepted, match="the recent jobs of one#") as caught:
            await at(fake_time, gateway).create("a ship")
    assert one.base_url in str(caught.value)
    assert (len(one.asked), len(two.asked)) == (1, 0)


async def test_an_order_whose_answer_does_not_come_in_time_may_have_been_accepted(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with (
        ScriptedGateway([Reply(stall=9)]) as one,
        client(endpoint("one", one), read_seconds=0.2) as gateway,
    ):
        with pytest.raises(MaybeAccepted):
            await at(fake_time, gateway).create("a ship")
    assert len(one.asked) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"status": "queued"}', b'{"id": ".."}'])
async def test_an_order_accepted_without_the_name_of_its_job_may_have_been_accepted(
    body: bytes, endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with (
        ScriptedGateway([Reply(body=body)]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        with pytest.raises(MaybeAccepted, match=r"look among .* recent jobs"):
            await at(fake_time, gateway).create("a ship")
    assert len(one.asked) == 1


@pytest.mark.parametrize(
    "refusal",
    [Reply.failure(status) for status in (401, 402, 403, 429)]
    + [Reply.failure(503, retry_after="9")],
)
async def test_after_a_clear_refusal_another_endpoint_is_asked(
    refusal: Reply, endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with (
        ScriptedGateway([refusal]) as one,
        ScriptedGateway([said()]) as two,
        client(endpoint("one", one, weight=9), endpoint("two", two)) as gateway,
    ):
        assert (await at(fake_time, gateway).create("a ship")).endpoint == "two"
    assert (len(one.asked), len(two.asked)) == (1, 1)


async def test_an_endpoint_that_cannot_be_reached_has_accepted_nothing(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    nowhere = endpoint("one", "http://127.0.0.1:9/v1", weight=9)
    async with ScriptedGateway([said()]) as two, client(nowhere, endpoint("two", two)) as gateway:
        assert (await at(fake_time, gateway).create("a ship")).endpoint == "two"
    async with client(nowhere) as gateway:
        with pytest.raises(Unreachable):
            await at(fake_time, gateway).create("a ship")


@pytest.mark.parametrize(
    ("reply", "error"),
    [(Reply.failure(400, "forbidden words"), RequestRefused), (Reply.failure(402), QuotaSpent)],
)
async def test_a_refused_order_is_said_as_what_it_is(
    reply: Reply,
    error: type[GatewayError],
    endpoint: MakeEndpoint,
    client: MakeClient,
    fake_time: FakeTime,
) -> None:
    async with ScriptedGateway([reply]) as one, client(endpoint("one", one, "k")) as gateway:
        with pytest.raises(error):
            await at(fake_time, gateway).create("a ship")


async def test_a_film_that_cannot_be_made_is_an_error_with_its_reason(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    failed = said("failed", error={"code": "moderation_blocked", "message": "too\nviolent"})
    async with ScriptedGateway([failed]) as one, client(endpoint("one", one, "k")) as gateway:
        with pytest.raises(JobFailed, match="too violent"):
            await at(fake_time, gateway).wait(JOB)
    async with (
        ScriptedGateway([said("cancelled", error="stopped")]) as one,
        client(endpoint("one", one, "k")) as gateway,
    ):
        with pytest.raises(JobFailed, match="stopped"):
            await at(fake_time, gateway).wait(JOB)


async def test_a_wait_ends_at_its_deadline_and_may_be_taken_up_again(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with (
        ScriptedGateway([said("in_progress", progress=10)]) as one,
        client(endpoint("one", one, "k")) as gateway,
    ):
        start = fake_time.now
        with pytest.raises(TimedOut, match="wait for the same job again"):
            await at(fake_time, gateway).wait(JOB, deadline=60)
    assert fake_time.now - start <= 60


async def test_a_wait_outlives_a_short_outage_but_not_a_long_one(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    outage = [Reply(body=b"<html>down</html>"), *[Reply.failure(500)] * 12]
    async with (
        ScriptedGateway([*outage, said("completed")]) as one,
        client(endpoint("one", one, "k")) as gateway,
    ):
        assert (await at(fake_time, gateway).wait(JOB)).is_done
    async with (
        ScriptedGateway([Reply.failure(500)]) as one,
        client(endpoint("one", one, "k")) as gateway,
    ):
        with pytest.raises(GatewayError):
            await at(fake_time, gateway).wait(JOB)


async def test_a_job_that_is_done_needs_no_question(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with client(endpoint("one", "http://127.0.0.1:9/v1", "k")) as gateway:
        done = Job("video_1", "one", "one#1", status="succeeded")
        assert await at(fake_time, gateway).wait(done) is done


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (film(b"<html>no film here</html>"), AnswerUnusable),
        (film(b""), AnswerUnusable),
        (film(cut=True), Unreachable),
        (Reply.failure(404, "not ready"), RequestRefused),
    ],
)
async def test_what_is_no_whole_film_is_not_kept(
    reply: Reply,
    error: type[GatewayError],
    endpoint: MakeEndpoint,
    client: MakeClient,
    fake_time: FakeTime,
    tmp_path: Path,
) -> None:
    async with ScriptedGateway([reply]) as one, client(endpoint("one", one, "k")) as gateway:
        with pytest.raises(error):
            await at(fake_time, gateway).download(JOB, tmp_path / "ship.mp4")
    assert list(tmp_path.iterdir()) == []


async def test_a_film_is_read_only_up_to_its_cap(
    endpoint: MakeEndpoint,
    client: MakeClient,
    fake_time: FakeTime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(videos, "MOST_VIDEO_BYTES", 1000)
    async with ScriptedGateway([film()]) as one, client(endpoint("one", one, "k")) as gateway:
        with pytest.raises(AnswerUnusable, match="more than 1,000 bytes"):
            await at(fake_time, gateway).download(JOB, tmp_path / "ship.mp4")
    assert list(tmp_path.iterdir()) == []


async def test_a_film_may_come_in_pieces_of_any_size() -> None:
    async def pieces(*sizes: int) -> AsyncIterator[bytes]:
        rest = FILM[:40]
        for size in sizes:
            yield rest[:size]
            rest = rest[size:]

    for sizes in ((40,), (5, 35), (1, 1, 20, 18), (12, 28)):
        response = httpx2.Response(200, content=pieces(*sizes))
        assert b"".join([chunk async for chunk in _film(response)]) == FILM[:40]
    with pytest.raises(AnswerUnusable, match="no film"):
        [chunk async for chunk in _film(httpx2.Response(200, content=pieces(5)))]


async def test_a_job_is_found_by_its_id_alone(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    def second_key_only(asked: Asked) -> Reply:
        return said("completed") if asked.key == "k2" else Reply.failure(404, "no such video")

    async with (
        ScriptedGateway([Reply.failure(404, "no such video")]) as one,
        ScriptedGateway(second_key_only) as two,
        client(endpoint("one", one), endpoint("two", two, "k1", "k2")) as gateway,
    ):
        found = await at(fake_time, gateway).find("video_1")
        assert (found.endpoint, found.lane, found.is_done) == ("two", "two#2", True)
        with pytest.raises(RequestRefused, match="no endpoint knows"):
            await Videos(gateway).find("..")


async def test_recent_jobs_of_a_key_are_listed(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    listed = {"data": [{"id": "v2", "status": "queued"}, 3, {"id": "v1", "status": "completed"}]}
    script = [Reply(body=json.dumps(listed).encode()), Reply(body=b'{"data": 3}')]
    async with ScriptedGateway(script) as one, client(endpoint("one", one, "a", "b")) as gateway:
        films = at(fake_time, gateway)
        found = await films.recent("one#2")
        assert await films.recent("one#2") == ()
    assert [(job.id, job.lane) for job in found] == [("v2", "one#2"), ("v1", "one#2")]
    assert one.asked[0].path == "/v1/videos?limit=20"
    assert one.asked[0].key == "b"


async def test_a_job_of_a_key_that_is_no_longer_configured_is_an_error(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with ScriptedGateway([said()]) as one, client(endpoint("one", one, "k")) as gateway:
        with pytest.raises((NoModel, ConfigInvalid)):
            await at(fake_time, gateway).poll(Job("video_1", "gone", "gone#1"))
    assert one.asked == []


async def test_an_id_with_slashes_stays_one_part_of_the_path(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    async with ScriptedGateway([said()]) as one, client(endpoint("one", one, "k")) as gateway:
        await at(fake_time, gateway).poll(Job("a/../b?c", "one", "one#1"))
    assert one.asked[0].path == "/v1/videos/a%2F..%2Fb%3Fc"


async def test_an_odd_answer_leaves_a_job_as_it_was(
    endpoint: MakeEndpoint, client: MakeClient, fake_time: FakeTime
) -> None:
    odd = Reply(body=b'{"id": "video_1", "status": 3, "progress": "half", "seconds": 8}')
    async with ScriptedGateway([odd]) as one, client(endpoint("one", one, "k")) as gateway:
        now = await at(fake_time, gateway).poll(JOB)
    assert (now.status, now.progress, now.seconds) == ("queued", 0, "8")


@given(st.builds(Job, *[st.text()] * 5, progress=st.integers()))
def test_a_job_comes_back_from_its_json_as_it_was(job: Job) -> None:
    assert Job.from_json(job.to_json()) == job


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "3", "{}", "[" * 100_000),
        '{"id": "a", "endpoint": "b", "lane": "c", "key": "d"}',
        '{"id": 1, "endpoint": "b", "lane": "c"}',
    ],
)
def test_what_is_no_saved_job_is_refused(text: str) -> None:
    with pytest.raises(ConfigInvalid, match="no saved video job"):
        Job.from_json(text)
