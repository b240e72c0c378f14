"""Words in, report path out; the one place where an error becomes an exit status.

Exit status: 0 complete, 1 failed, 2 wrong usage, 3 partial, 4 nothing found. What is for the
caller goes to standard output, what is for the watcher to standard error. Nothing heavy is
imported before a command needs it.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from agent.cli.batching import batch
from agent.cli.database import database
from agent.cli.exporting import export
from agent.cli.inspecting import claims, doctor, read, search, show, verify
from agent.cli.keeping import compare, list_, open_, prune, rm, watch
from agent.cli.queueing import queue, submit, worker
from agent.cli.researching import demo, refine, resume, run
from agent.cli.scheduling import schedule
from agent.cli.templating import templates
from agent.errors import DeepResearchError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Commands(click.Group):
    """Our own commands, and the gateway's as one of them, loaded only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted([*super().list_commands(ctx), "gateway"])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by name."""
        if cmd_name == "gateway":
            from gateway_client.commands import gateway

            return gateway
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="deep-research-agent", prog_name="deep-research")
def cli() -> None:
    """Turn a vague topic into a cited report in which every sentence rests on a verbatim quote."""


for command in (
    *(run, resume, batch, schedule, demo, refine, read, search),
    *(list_, show, open_, watch, export, templates, compare, verify, claims, rm, prune, doctor),
    *(submit, worker, queue, database),
):
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        cli.main(words, prog_name="deep-research", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; deep-research resume goes on with a run that had begun", err=True)
        sys.exit(130)
    except Exception as error:
        if "--debug" in words:
            raise
        sys.exit(_said(error))


def _said(error: Exception) -> int:
    """Put an error into one line and return its exit status."""
    if isinstance(error, BrokenPipeError):
        return 1
    known = isinstance(error, DeepResearchError)
    text = str(error) if known else f"unexpected {type(error).__name__}: {error} (see --debug)"
    click.echo(f"deep-research: {' '.join(text.split())}", err=True)
    if not isinstance(error, DeepResearchError):
        return 1
    if error.stopped_run:
        click.echo(f"deep-research resume {error.stopped_run} goes on from there", err=True)
    return error.exit_status
