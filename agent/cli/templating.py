"""The commands for house templates: begin with ours, and check what became of them."""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.group()
def templates() -> None:
    """Write reports with templates of your own: docs/templates.md says what they are given."""


@templates.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def copy(folder: Path, *, debug: bool) -> None:
    """Copy our templates to a folder, to begin with; files that are there already stay.

    What you do not change is better deleted: later versions then go on with theirs.
    """
    from agent.errors import RunUnwritable
    from agent.rendering import house

    del debug
    try:
        written = house.copied(folder)
    except OSError as error:
        raise RunUnwritable(
            f"cannot write into {folder}: {error.strerror or error}", mend="name another folder"
        ) from error
    for path in written:
        click.echo(path)


@templates.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def check(folder: Path, *, debug: bool) -> None:
    """Render sample reports with a folder of templates, and say what is wrong with them.

    The samples have something of everything, are in two languages, and one found nothing. Exit
    status 1 if no report can be written with a template; other remarks are for you to weigh.
    """
    from agent.rendering import house

    del debug
    remarks = list(house.checked(folder))
    for remark in remarks:
        kind = "broken" if remark.broken else "remark"
        click.echo(f"{kind}: {remark.template}: {remark.text}")
    if any(remark.broken for remark in remarks):
        sys.exit(1)
    replaced = ", ".join(name for name in house.names() if (folder / name).is_file())
    click.echo(f"the sample reports can be written with {replaced}")
