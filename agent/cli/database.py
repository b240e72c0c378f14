"""The commands for the database that many machines share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.options import settings_from
from agent.errors import InvalidSettings

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from agent.adapters.postgres import Database

_debug = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."
)


@click.group()
def database() -> None:
    """Prepare the database of DEEP_RESEARCH_DATABASE_URL, which keeps the runs of many machines."""


@database.command()
@_debug
def migrate() -> None:
    """Make its tables, or bring them to this version; safe at any time, by any number at once."""
    import asyncio

    async def work() -> tuple[int, int]:
        async with opened() as database:
            return await database.migrate()

    before, after = asyncio.run(work())
    click.echo(f"version {before} before, version {after} now")


@database.command()
@_debug
def status() -> None:
    """Say whether it answers and its tables are of this version; exit 1 if not."""
    import asyncio

    async def work() -> int:
        async with opened() as database:
            await database.require_current()
            return await database.version()

    click.echo(f"version {asyncio.run(work())}, current")


def opened(connections: int = 8) -> AbstractAsyncContextManager[Database]:
    """Open the database of the settings.

    Raises InvalidSettings if they name none, ExtraMissing without the packages it needs.
    """
    from agent.rendering.extras import extra

    url = settings_from().database_url
    if url is None:
        raise InvalidSettings(
            "DEEP_RESEARCH_DATABASE_URL is not set",
            mend="set it, as in postgresql://user:password@host/name",
        )
    with extra("postgres"):
        from agent.adapters.postgres import open_database
    return open_database(url, connections=connections)
