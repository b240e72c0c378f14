"""The gateway from a shell: what it has, how it would route, what things cost, and asking it.

Exit status: 0 done, 1 it could not be done, 2 wrong usage or configuration. Nothing heavy is
imported before a command needs it.
"""

from __future__ import annotations

import os
import sys
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gateway_client.catalog import TIERS, known_output
from gateway_client.errors import ConfigInvalid, GatewayError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping
    from decimal import Decimal

    from gateway_client.config import Config
    from gateway_client.media import Job, Videos

NO_GATEWAY: Final = "no gateway is set"
SET_ONE: Final = "set GATEWAY_BASE_URL and GATEWAY_API_KEY, or name a gateway.toml with --config"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--config", "path", type=click.Path(path_type=Path), metavar="FILE",
              help="A gateway.toml, in place of what the environment says.")  # fmt: skip
@click.pass_context
def gateway(context: click.Context, path: Path | None) -> None:
    """Every model behind one door: list, route, ask, and count what it costs."""
    context.obj = path


def _reporting(command: Callable[..., None]) -> Callable[..., None]:
    """Turn an error of ours into one line and an exit status."""

    @wraps(command)
    def run(*words: Any, **options: Any) -> None:  # noqa: ANN401 - whatever click hands over
        try:
            command(*words, **options)
        except GatewayError as error:
            click.echo(f"gateway: {' '.join(str(error).split())}", err=True)
            sys.exit(2 if isinstance(error, ConfigInvalid) else 1)
        except click.UsageError as error:
            click.echo(f"gateway: {error.format_message()}", err=True)
            sys.exit(2)
        except BrokenPipeError:
            raise  # click knows how to leave a closed pipe quietly
        except OSError as error:
            said = error.strerror or str(error)
            click.echo(f"gateway: {error.filename or 'the network'}: {said}", err=True)
            sys.exit(1)

    return run


@gateway.command()
@click.pass_obj
@_reporting
def models(path: Path | None) -> None:
    """List all models of all endpoints.

    With each: its window in tokens, what it costs in US dollars (text by the million tokens), its
    tier, and where it is served.
    """
    from gateway_client.client import GatewayClient
    from gateway_client.media.inventory import models as listed

    config = _config(path)

    async def ask() -> Any:  # noqa: ANN401 - an Inventory, whose module is not loaded yet
        async with GatewayClient(config) as client:
            return await listed(client)

    inventory = _run(ask())
    click.echo(f"{'model':<32} {'window':>10}  {'price':<22} {'tier':<6} endpoints")
    for model in sorted(inventory.served):
        tier = next((tier for tier in TIERS if model in config.tiers[tier]), "-")
        places = ", ".join(inventory.served[model])
        price = _price(config, model)
        click.echo(f"{model:<32} {config.window(model):>10,}  {price:<22} {tier:<6} {places}")
    for endpoint, why in inventory.failures.items():
        click.echo(f"{endpoint} could not be asked: {why}", err=True)


def _price(config: Config, model: str) -> str:
    """Say what a model costs, for a call of common size: very long ones cost more at some."""
    from gateway_client.prices import price
    from gateway_client.wire import Usage

    def usd(usage: Usage, times: int) -> Decimal | None:
        one = price(model, usage, config.models)
        return None if one is None else one * times

    made = {
        "image": [(usd(Usage(0, 0, images=1, estimated=True), 1), "an image")],
        "video": [(usd(Usage(0, 0, video_seconds=1), 1), "a second")],
        "embedding": [(usd(Usage(1_000, 0), 1_000), "in")],
    }
    text = [(usd(Usage(1_000, 0), 1_000), "in"), (usd(Usage(0, 1_000), 1_000), "out")]
    parts = made.get(known_output(model), text)
    if any(amount is None for amount, _ in parts):
        return "unpriced"
    return ", ".join(f"${amount:.2f} {what}" for amount, what in parts)


@gateway.command()
@click.argument("prompt", required=False)
@click.option("--task", default="", help="The kind of work, as the header x-gw-task would say.")
@click.option("--jsonl", "lines", type=click.File("rb"), metavar="FILE|-",
              help='One {"prompt","task"?} a line in, one decision a line out.')  # fmt: skip
@click.pass_obj
@_reporting
def route(path: Path | None, prompt: str | None, task: str, lines: Iterable[bytes] | None) -> None:
    """Show which model a prompt would go to.

    Says why, too, and asks nobody. A line that no model can take has no tier and no model.
    """
    from gateway_client.config import without_endpoints
    from gateway_client.routing.router import explain

    if (prompt is None) is (lines is None):
        raise click.UsageError("give a prompt, or --jsonl, and not both")
    config = _config_or_none(path) or without_endpoints()
    if lines is not None:
        _route_lines(config, lines, task)
        return
    for name, value in explain(config, prompt or "", task).items():
        click.echo(f"{name:<7} {value}")


def _route_lines(config: Config, lines: Iterable[bytes], task: str) -> None:
    import json

    from gateway_client.errors import NoModel
    from gateway_client.routing.router import explain

    hopeless = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        prompt, tagged = _asked(line, number)
        decided: Mapping[str, object]
        try:
            decided = explain(config, prompt, tagged or task)
        except NoModel as error:
            decided = {"score": None, "tier": None, "model": None, "reason": str(error)}
            hopeless += 1
        click.echo(json.dumps(decided))
    if hopeless:
        raise NoModel(f"no model can take {hopeless} of the prompts", mend="see their reasons")


def _asked(line: bytes, number: int) -> tuple[str, str]:
    """Read the prompt and the task of one line."""
    from gateway_client.wire import payload_of

    asked = payload_of(line)
    if asked is None:
        raise click.UsageError(f"line {number} is not a JSON object in UTF-8")
    prompt, task = asked.get("prompt"), asked.get("task") or ""
    if not isinstance(prompt, str):
        raise click.UsageError(f'line {number} has no "prompt" that is a string')
    if not isinstance(task, str):
        raise click.UsageError(f'line {number} has a "task" that is no string')
    return prompt, task


@gateway.command()
@click.argument("prompt")
@click.option("--model", default="auto", help="auto, light, deep, long, or a model's name.")
@click.option("--task", default="", help="The kind of work.")
@click.option("--stream", is_flag=True, help="Print words as they come.")
@click.pass_obj
@_reporting
def chat(path: Path | None, prompt: str, model: str, task: str, *, stream: bool) -> None:
    """Ask once and print the answer.

    What it took goes to standard error.
    """
    from gateway_client.client import GatewayClient
    from gateway_client.words import words

    config = _config(path)

    async def ask() -> None:
        async with GatewayClient(config) as client:
            if stream:
                async for text in words(client, prompt, task=task, model=model):
                    click.echo(text, nl=False)
                click.echo()
            else:
                click.echo(await client.complete(prompt, task=task, model=model))
            for entry in client.ledger.entries:
                cost = "unpriced" if entry.usd is None else f"${entry.usd:.6f}"
                tokens = f"{entry.input_tokens} in, {entry.output_tokens} out"
                click.echo(f"{entry.model} at {entry.endpoint}: {tokens}, {cost}", err=True)

    _run(ask())


@gateway.command()
@click.option("--tokens", type=click.IntRange(0), required=True, help="Input tokens.")
@click.option("--output", type=click.IntRange(0), help="Output tokens.  [a fifth of the input]")
@click.option("--cached", type=click.FloatRange(0, 1), default=0.0,
              help="Share of the input that the vendor has in its cache.")  # fmt: skip
@click.pass_obj
@_reporting
def cost(path: Path | None, tokens: int, output: int | None, cached: float) -> None:
    """Say what so many tokens would cost where, cheapest first."""
    from gateway_client.config import without_endpoints
    from gateway_client.forecast import forecast

    config = _config_or_none(path) or without_endpoints()
    for row in forecast(config, tokens, tokens // 5 if output is None else output, cached):
        usd = "unpriced" if row.usd is None else f"${row.usd:,.2f}"
        click.echo(f"{row.model:<32} {usd:>12}  {row.tier or '-':<6} {', '.join(row.endpoints)}")


@gateway.command()
@click.argument("prompt")
@click.option("--out", type=click.Path(path_type=Path), default=Path(), help="File or folder.")
@click.option("--model", default="gpt-image-1.5")
@click.option("--size", default="", help="Such as 1024x1024.")
@click.option("-n", "number", type=click.IntRange(1, 10), default=1, help="How many.")
@click.pass_obj
@_reporting
def image(path: Path | None, prompt: str, out: Path, model: str, size: str, number: int) -> None:
    """Make pictures of PROMPT and print where they are."""
    from gateway_client.client import GatewayClient
    from gateway_client.media import images

    config = _config(path)

    async def make() -> None:
        async with GatewayClient(config) as client:
            for made in await images(client, prompt, model=model, n=number, size=size, out=out):
                click.echo(made.path)

    _run(make())


@gateway.command()
@click.argument("prompt", required=False)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The file to write.")
@click.option("--model", default="sora-2")
@click.option("--seconds", type=click.IntRange(1, 120))
@click.option("--size", default="", help="Such as 1280x720.")
@click.option("--resume", metavar="ID", help="Go on with a film that was ordered before.")
@click.pass_obj
@_reporting
def video(path: Path | None, prompt: str | None, resume: str | None, **options: Any) -> None:  # noqa: ANN401
    """Order a film and fetch it when it is done.

    Nothing is ever ordered twice: if the wait is cut short, go on with --resume.
    """
    from gateway_client.client import GatewayClient
    from gateway_client.media import Videos

    if (prompt is None) is (resume is None):
        raise click.UsageError("give a prompt, or --resume ID, and not both")
    config = _config(path)
    out: Path = options.pop("out")
    out.parent.mkdir(parents=True, exist_ok=True)  # it should be known before it costs money

    async def make() -> None:
        async with GatewayClient(config) as client:
            videos = Videos(client)
            job = await _job(videos, prompt, resume, options)
            click.echo(f"ordered as {job.id}; go on later with --resume {job.id}", err=True)
            done = await videos.wait(job, on_progress=_show)
            click.echo(await videos.download(done, out))

    _run(make())


@gateway.command()
@click.option("--host", default="127.0.0.1", help="Hosts that others can reach need a key.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8411, help="0 is any free one.")
@click.option("--api-key", metavar="env:NAME",
              help="Where the key is that callers must send.  [env:GATEWAY_SERVE_KEY]")  # fmt: skip
@click.pass_obj
@_reporting
def serve(path: Path | None, host: str, port: int, api_key: str | None) -> None:
    """Serve all of this to any OpenAI client, at /v1."""
    from gateway_client import serve as serving

    config = _config(path)
    key = serving.key_from(api_key, os.environ)
    with serving.opened(host, port, key) as listening:
        name = f"[{host}]" if ":" in host else host
        click.echo(f"http://{name}:{listening.getsockname()[1]}/v1", err=True)
        _run(serving.serve(config, listening, key))


@gateway.command()
@click.option("--requests", type=click.IntRange(1), default=200, help="How many.  [200]")
@click.option("--concurrency", type=click.IntRange(1), default=50, help="At a time.  [50]")
@click.option("--json", "report", type=click.Path(path_type=Path, allow_dash=True),
              metavar="FILE|-", help="Write all figures as JSON.")  # fmt: skip
@click.option("--chart", type=click.Path(path_type=Path), metavar="FILE", help="Write an SVG.")
@click.option("--yes", is_flag=True, help="Go on although it costs money.")
@click.pass_obj
@_reporting
def bench(
    path: Path | None, report: Path | None, chart: Path | None, *, yes: bool, **sizes: int
) -> None:
    """Measure how fast and how dear the models are.

    Without a gateway it measures a simulated one; with one, it says first what that may cost.
    """
    import json

    from gateway_client import bench as benching

    config = _config_or_none(path)
    for file in (report, chart):  # what cannot be written should be known before it costs money
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
    if config is not None:
        click.echo(benching.estimate(config, sizes["requests"]), err=True)
        if not yes:
            click.echo("gateway: nothing was asked: go on with --yes", err=True)
            sys.exit(2)
    measured = benching.measure(config, **sizes) if config else benching.simulated(**sizes)
    figures = _run(measured)
    if chart is not None:
        from gateway_client.chart import drawn

        chart.write_text(drawn(figures), encoding="utf-8")
    text = json.dumps(figures, ensure_ascii=False, indent=2)
    if report is not None and str(report) != "-":
        report.write_text(f"{text}\n", encoding="utf-8")
    click.echo(text if str(report) == "-" else benching.told(figures))


async def _job(
    videos: Videos, prompt: str | None, resume: str | None, options: dict[str, Any]
) -> Job:
    if resume is not None:
        return await videos.find(resume)
    return await videos.create(prompt or "", **options)


def _show(job: Job) -> None:
    click.echo(f"{job.status} {job.progress} %", err=True)


def _config(path: Path | None) -> Config:
    config = _config_or_none(path)
    if config is None:
        raise ConfigInvalid(NO_GATEWAY, mend=SET_ONE)
    return config


def _config_or_none(path: Path | None) -> Config | None:
    from gateway_client.config import Config

    environ = dict(os.environ)
    if path is not None:
        environ["GATEWAY_CONFIG"] = str(path)
    return Config.from_environment(environ)


def _run(work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - what the work returns
    import asyncio

    return asyncio.run(work)
