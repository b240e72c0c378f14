"""Pictures, embeddings and models through the pool."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway_client import (
    AnswerUnusable,
    GatewayError,
    KeyRefused,
    Model,
    RequestRefused,
    Unreachable,
    prices,
    wire,
)
from gateway_client.media import embeddings, images, models
from gateway_client.media import files as media_files
from gateway_client.media import pictures as media_pictures
from gateway_client.testing import Asked, Reply, ScriptedGateway

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway_client import Endpoint, GatewayClient

    MakeClient = Callable[..., GatewayClient]
    MakeEndpoint = Callable[..., Endpoint]

PNG = b"\x89PNG\r\n\x1a\n" + b"a picture" * 9
JPEG = b"\xff\xd8\xff\xe0" + b"another" * 9
NOWHERE = "http://127.0.0.1:9/v1"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def pictures(*items: object, **more: object) -> Reply:
    return Reply(body=json.dumps({"created": 1, "data": items, **more}).encode())


def png(**more: object) -> dict[str, object]:
    return {"b64_json": encoded(PNG), **more}


async def test_a_picture_is_returned_and_settled(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    answer = pictures(png(revised_prompt="A tall lighthouse"))
    async with ScriptedGateway([answer]) as one, client(endpoint("one", one, "k")) as gateway:
        made = await images(gateway, "a lighthouse", size="1024x1024")
        entry = gateway.ledger.entries[0]
    assert one.asked[0].path == "/v1/images/generations"
    assert one.asked[0].payload == {
        "model": "gpt-image-1.5",
        "prompt": "a lighthouse",
        "n": 1,
        "size": "1024x1024",
    }
    assert [(picture.data, picture.kind, picture.path) for picture in made] == [(PNG, "png", None)]
    assert made[0].revised_prompt == "A tall lighthouse"
    assert (entry.task, entry.model, entry.key) == ("image", "gpt-image-1.5", "one#1")
    assert entry.usd is None


async def test_a_failed_endpoint_is_replaced_by_another(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway([Reply.failure(503)]) as bad,
        ScriptedGateway([pictures(png())]) as good,
        client(endpoint("bad", bad, weight=9), endpoint("good", good)) as gateway,
    ):
        assert len(await images(gateway, "a lighthouse")) == 1
    assert len(bad.asked) == 1


async def test_pictures_are_saved_under_the_name_given_and_numbered_from_the_second(
    endpoint: MakeEndpoint, client: MakeClient, tmp_path: Path
) -> None:
    answer = pictures(png(), {"b64_json": encoded(JPEG)})
    out = tmp_path / "new" / "light.png"
    async with ScriptedGateway([answer]) as one, client(endpoint("one", one)) as gateway:
        made = await images(gateway, "a lighthouse", n=2, out=out)
    assert [picture.path for picture in made] == [out, tmp_path / "new" / "light-2.png"]
    assert out.read_bytes() == PNG
    assert sorted(path.name for path in out.parent.iterdir()) == ["light-2.png", "light.png"]


async def test_in_a_folder_names_are_made_from_the_prompt_and_nothing_is_overwritten(
    endpoint: MakeEndpoint, client: MakeClient, tmp_path: Path
) -> None:
    async with (
        ScriptedGateway([pictures(png()), pictures({"b64_json": encoded(JPEG)})]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        first = await images(gateway, "Ein Leuchtturm: 灯塔 / ../x", out=tmp_path)
        second = await images(gateway, "Ein Leuchtturm: 灯塔 / ../x", out=tmp_path)
        third = await images(gateway, "…", out=tmp_path / "deeper")
    assert first[0].path == tmp_path / "ein-leuchtturm-灯塔-x-1.png"
    assert second[0].path == tmp_path / "ein-leuchtturm-灯塔-x-1.jpg"
    assert third[0].path == tmp_path / "deeper" / "untitled-1.jpg"


async def test_an_address_of_a_picture_is_read_without_any_key(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with ScriptedGateway([Reply(body=PNG)]) as store:
        answer = pictures({"url": f"{store.base_url}/pic"}, {"url": f"data:,base64,{encoded(PNG)}"})
        async with ScriptedGateway([answer]) as one, client(endpoint("one", one, "k")) as gateway:
            made = await images(gateway, "a lighthouse", n=2)
    assert [picture.data for picture in made] == [PNG, PNG]
    assert store.asked[0].key == ""


@pytest.mark.parametrize(
    ("item", "said"),
    [
        ({"url": "http://pictures.example/a.png"}, "not https"),
        ({"url": "file:///etc/passwd"}, "not https"),
        ({"url": "http://[bad"}, "not https"),
        ({"url": NOWHERE}, "cannot be read"),
        ({"b64_json": "%%%"}, "base64 is broken"),
        ({"b64_json": encoded(b"<svg onload=x>")}, "not those of a picture"),
        ({"b64_json": None, "url": 3}, "neither a picture"),
    ],
)
async def test_what_is_no_picture_is_named_and_the_good_ones_are_kept(
    item: object, said: str, endpoint: MakeEndpoint, client: MakeClient, tmp_path: Path
) -> None:
    async with (
        ScriptedGateway([pictures(png(), item)]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        with pytest.raises(AnswerUnusable, match=said) as caught:
            await images(gateway, "a lighthouse", n=2, out=tmp_path / "light.png")
    assert f"saved: {tmp_path / 'light.png'}" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["light.png"]


@pytest.mark.parametrize("body", [b'{"data": []}', b'{"data": 3}', b"{}", b'{"data": [1]}'])
async def test_an_answer_without_pictures_is_an_error(
    body: bytes, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with ScriptedGateway([Reply(body=body)]) as one, client(endpoint("one", one)) as gateway:
        with pytest.raises(AnswerUnusable, match="no pictures"):
            await images(gateway, "a lighthouse")


async def test_a_picture_is_read_only_up_to_its_cap_and_only_if_it_is_there(
    endpoint: MakeEndpoint, client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_pictures, "MOST_IMAGE_BYTES", 16)
    async with ScriptedGateway([Reply(body=PNG), Reply.failure(404)]) as store:
        answer = pictures({"url": f"{store.base_url}/pic"})
        async with ScriptedGateway([answer]) as one, client(endpoint("one", one)) as gateway:
            with pytest.raises(AnswerUnusable, match="more than 16 bytes"):
                await images(gateway, "a lighthouse")
            with pytest.raises(AnswerUnusable, match="answered 404"):
                await images(gateway, "a lighthouse")


async def test_a_folder_that_cannot_be_made_costs_nothing(
    endpoint: MakeEndpoint, client: MakeClient, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    async with (
        ScriptedGateway([pictures(png())]) as one,
        client(endpoint("one", one)) as gateway,
    ):
        with pytest.raises(OSError, match="file"):
            await images(gateway, "a lighthouse", out=tmp_path / "file" / "x.png")
    assert one.asked == []


@pytest.mark.parametrize(
    ("reply", "error", "said"),
    [
        (Reply.failure(400, "your prompt was rejected"), RequestRefused, "prompt was rejected"),
        (Reply(status=422, body=b"oh no"), RequestRefused, "one refused the request .422.: oh no"),
        (Reply(status=422, body=b'{"error": "short"}'), RequestRefused, "short"),
        (Reply.failure(401), KeyRefused, "check A_VARIABLE"),
        (Reply(drop=True), Unreachable, "cannot be reached"),
    ],
)
async def test_failures_are_our_own_errors(
    reply: Reply, error: type[GatewayError], said: str, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with ScriptedGateway([reply]) as one, client(endpoint("one", one, "k")) as gateway:
        with pytest.raises(error, match=said):
            await images(gateway, "a lighthouse")


def test_pictures_and_films_are_told_by_their_first_bytes() -> None:
    starts = {
        "png": PNG,
        "jpg": JPEG,
        "gif": b"GIF89a",
        "webp": b"RIFF\0\0\0\0WEBPVP8 ",
        "mp4": b"\0\0\0\x20ftypisom",
        "webm": b"\x1aE\xdf\xa3",
        "": b"<html>",
    }
    assert {media_files.kind_of(data): data for data in starts.values()} == starts
    assert media_files.kind_of(b"") == ""


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    media_files.save(PNG, tmp_path / "a.png")
    with pytest.raises(TypeError):
        media_files.save("no bytes", tmp_path / "b.png")  # type: ignore[arg-type] # the point
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


PER_PIECE = {
    "m": Model("m", usd_per_image=Decimal("0.04"), usd_per_video_second=Decimal("0.5")),
    "free": Model("free", usd_per_video_second=Decimal(0)),
}


def test_pictures_and_seconds_have_prices_of_their_own() -> None:
    assert prices.price("m", wire.Usage(9, 9, images=3), PER_PIECE) == Decimal("0.12")
    assert prices.price("m", wire.Usage(9, 0, video_seconds=8), PER_PIECE) == Decimal(4)
    assert prices.price("free", wire.Usage(9, 0, video_seconds=8), PER_PIECE) == 0


def test_the_one_film_price_that_does_not_depend_on_size_is_known() -> None:
    eight = wire.Usage(9, 0, estimated=True, video_seconds=8)
    assert prices.price("sora-2", eight, {}) == Decimal("0.80")
    assert prices.price("openai/sora-2-2025-12-08", eight, {}) == Decimal("0.80")
    assert prices.price("sora-2-pro", eight, {}) is None
    assert prices.price("veo-3.1", eight, {}) is None


def test_pictures_are_priced_by_their_tokens_only_if_those_were_counted() -> None:
    pytest.importorskip("genai_prices")
    counted = wire.Usage(100, 1000, images=1)
    # 100 tokens of text at $5 and 1,000 of a picture at $32 a million, by OpenAI's price page.
    assert prices.price("gpt-image-1.5", counted, {}) == Decimal("0.0325")
    guessed = wire.Usage(100, 0, estimated=True, images=1)
    assert prices.price("gpt-image-1.5", guessed, {}) is None


def vectors(asked: Asked) -> Reply:
    texts = asked.payload["input"]
    assert isinstance(texts, list)
    made = [{"index": n, "embedding": [n, len(text)]} for n, text in enumerate(texts)]
    usage = {"prompt_tokens": len(texts), "total_tokens": len(texts)}
    return Reply(body=json.dumps({"data": made[::-1], "usage": usage}).encode())


async def test_every_text_gets_its_vector_whatever_the_order_of_the_answer(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    texts = ["x" * n for n in range(300)]
    async with ScriptedGateway(vectors) as one, client(endpoint("one", one)) as gateway:
        found = await embeddings(gateway, texts, "small")
        totals = gateway.ledger.by_task()["embed"]
        assert await embeddings(gateway, []) == ()
    assert [vector[1] for vector in found] == list(range(300))
    assert (totals.calls, totals.input_tokens) == (2, 300)


@pytest.mark.parametrize(
    "data",
    [
        [],
        None,
        [{"index": 1, "embedding": [1.0]}],
        [{"embedding": ["a"]}, {"embedding": [1.0]}],
        [{"embedding": [1.0]}, {"embedding": [1.0, 2.0]}],
        [{"index": [], "embedding": [1.0]}, 3],
    ],
)
async def test_missing_or_uneven_vectors_are_an_error(
    data: object, endpoint: MakeEndpoint, client: MakeClient
) -> None:
    answer = Reply(body=json.dumps({"data": data}).encode())
    async with ScriptedGateway([answer]) as one, client(endpoint("one", one)) as gateway:
        with pytest.raises(AnswerUnusable, match="usable vectors"):
            await embeddings(gateway, ["a", "b"], "small")


async def test_models_are_listed_with_who_serves_them_and_who_could_not_be_asked(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with (
        ScriptedGateway(models=["a", "b", "b"]) as one,
        ScriptedGateway(models=["b", "c"]) as two,
        client(
            endpoint("one", one, "k1", "k2"),
            endpoint("two", two, models=("b",)),
            endpoint("three", NOWHERE),
        ) as gateway,
    ):
        found = await models(gateway)
    assert found.served == {"a": ("one",), "b": ("one", "two")}
    assert list(found.failures) == ["three"]
    assert "cannot be reached" in found.failures["three"]


async def test_a_list_of_models_that_is_none_is_a_failure_and_odd_names_are_left_out(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    class Odd(ScriptedGateway):
        """Answers under its own path, as /v1/models is always in order here."""

        @property
        def base_url(self) -> str:
            return super().base_url.replace("/v1", "/odd/v1")

    async with (
        Odd([Reply(body=b"<html>")]) as one,
        Odd([Reply(body=b'{"data": [{"id": "a"}, {"id": []}, {"id": 3}, 4]}')]) as two,
        Odd([Reply(body=b'{"data": "a"}')]) as three,
        client(endpoint("one", one), endpoint("two", two), endpoint("three", three)) as gateway,
    ):
        found = await models(gateway)
    assert found.served == {"a": ("two",)}
    assert "not with a JSON object" in found.failures["one"]


async def test_a_fault_of_our_own_is_no_fault_of_the_picture(
    endpoint: MakeEndpoint, client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(media_files, "PICTURES")
    async with ScriptedGateway([pictures(png())]) as one, client(endpoint("one", one)) as gateway:
        with pytest.raises(AttributeError):
            await images(gateway, "a lighthouse")


async def test_if_no_endpoint_lists_its_models_that_is_an_error(
    endpoint: MakeEndpoint, client: MakeClient
) -> None:
    async with client(endpoint("three", NOWHERE)) as gateway:
        with pytest.raises(Unreachable):
            await models(gateway)
