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

from gateway_client.errors import ConfigInvalid, GatewayError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

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

    return run


@gateway.command()
@click.pass_obj
@_reporting
def models(path: Path | None) -> None:
    """List all models of all endpoints.

    With each: its window in tokens, US dollars per million input tokens, its tier, and where it
    is served.
    """
    from gateway_client.client import GatewayClient
    from gateway_client.forecast import forecast
    from gateway_client.media.inventory import models as listed

    config = _config(path)

    async def ask() -> Any:  # noqa: ANN401 - an Inventory, whose module is not loaded yet
        async with GatewayClient(config) as client:
            return await listed(client)

    inventory = _run(ask())
    prices = {row.model: row for row in forecast(config, 1_000_000, 0)}
    for model in sorted(inventory.served):
        row = prices.get(model)
        price = f"${row.usd:.2f}" if row and row.usd is not None else "-"
        tier = (row.tier if row else None) or "-"
        places = ", ".join(inventory.served[model])
        click.echo(f"{model:<32} {config.window(model):>10,} {price:>8}  {tier:<6} {places}")
    for endpoint, why in inventory.failures.items():
        click.echo(f"{endpoint} could not be asked: {why}", err=True)


@gateway.command()
@click.argument("prompt", required=False)
@click.option("--task", default="", help="The kind of work, as the header x-gw-task would say.")
@click.option("--jsonl", "lines", type=click.File("r", encoding="utf-8"), metavar="FILE|-",
              help='One {"prompt","task"?} a line in, one decision a line out.')  # fmt: skip
@click.pass_obj
@_reporting
def route(path: Path | None, prompt: str | None, task: str, lines: Iterable[str] | None) -> None:
    """Show which model a prompt would go to.

    Says why, too, and asks nobody.
    """
    import json

    from gateway_client.config import without_endpoints
    from gateway_client.routing.router import explain

    if (prompt is None) is (lines is None):
        raise click.UsageError("give a prompt, or --jsonl, and not both")
    config = _config_or_none(path) or without_endpoints()
    if lines is None:
        for name, value in explain(config, prompt or "", task).items():
            click.echo(f"{name:<7} {value}")
        return
    for number, line in enumerate(lines, start=1):
        if line.strip():
            asked = _asked(line, number)
            decided = explain(config, asked["prompt"], asked.get("task") or "")
            click.echo(json.dumps(decided, ensure_ascii=False))


def _asked(line: str, number: int) -> dict[str, str]:
    import json

    try:
        asked = json.loads(line)
    except ValueError as error:
        raise click.UsageError(f"line {number} is not JSON: {error}") from error
    if not isinstance(asked, dict) or not isinstance(asked.get("prompt"), str):
        raise click.UsageError(f'line {number} has no "prompt" that is a string')
    return asked


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

    config = _config(path)

    async def ask() -> None:
        async with GatewayClient(config) as client:
            if stream:
                async for words in client.chat_model(task, model).astream(prompt):
                    click.echo(words.text, nl=False)
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
@click.option("--port", type=click.IntRange(1, 65_535), default=8411)
@click.option("--api-key", metavar="env:NAME",
              help="Where the key is that callers must send.  [env:GATEWAY_SERVE_KEY]")  # fmt: skip
@click.pass_obj
@_reporting
def serve(path: Path | None, host: str, port: int, api_key: str | None) -> None:
    """Serve all of this to any OpenAI client, at /v1."""
    from gateway_client.serve import key_from
    from gateway_client.serve import serve as run

    config = _config(path)
    key = key_from(api_key, os.environ)
    click.echo(f"http://{host}:{port}/v1", err=True)
    _run(run(config, host, port, key))


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
