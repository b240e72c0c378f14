"""The command that writes a finished report in another form."""

from __future__ import annotations

from pathlib import Path

import click

from agent.cli.options import ALL_FORMATS, CITATION_STYLES, settings_from
from agent.errors import InvalidSettings, RunUnwritable


@click.command()
@click.argument("run_name", metavar="RUN")
@click.option("--format", "form", type=click.Choice(ALL_FORMATS), required=True, metavar="FORMAT",
              help=f"One of {', '.join(ALL_FORMATS)}.")  # fmt: skip
@click.option("--citation-style", "style", type=click.Choice(CITATION_STYLES),
              help="How references are written.  [numeric]")  # fmt: skip
@click.option("--templates", type=click.Path(path_type=Path), metavar="DIR",
              help="Folder of templates that write it in the place of ours.")  # fmt: skip
@click.option("--output", metavar="FILE|-", help="Where to write it.  [RUN-report.pdf and so on]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run folders.  [runs]")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def export(
    run_name: str,
    form: str,
    style: str | None,
    templates: Path | None,
    output: str | None,
    out: Path | None,
    *,
    debug: bool,
) -> None:
    """Write the report of an earlier run in another form.

    RUN is as for show, or the path of a report.json. Nothing but the run's own files is read, and
    its folder stays as it is.
    """
    from agent import past_runs, rendering
    from agent.domain.look import Look
    from agent.rendering.forms import FORMS

    del debug
    if style and not FORMS[form].styled:
        styled = ", ".join(name for name, one in FORMS.items() if one.styled)
        raise InvalidSettings(f"{form} has no citation styles", mend=f"choose from {styled}")
    settings = settings_from(out=out, citation_style=style, templates=templates)
    report, folder = past_runs.report(run_name, settings.out)
    cover = past_runs.cover(report, folder)
    look = Look(settings.citation_style, settings.templates, cover)
    ((name, data),) = rendering.files(report, [form], look).items()
    if output == "-":
        click.echo(data, nl=False)
        return
    path = Path(output or f"{folder.name}-{name}")
    try:
        path.write_bytes(data)
    except OSError as error:
        raise RunUnwritable(
            f"cannot write {path}: {error.strerror or error}", mend="name another with --output"
        ) from error
    click.echo(path)
