"""`gpt-ie`: reports into findings, from the command line. Thin: parse, one library call, print."""

from importlib.metadata import version
from typing import Annotated

import typer

from gpt_ie.cli.batch import batch
from gpt_ie.cli.extract import extract
from gpt_ie.cli.prompt import prompt
from gpt_ie.cli.samples import explain, sample
from gpt_ie.cli.scores import evaluate, view

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Radiology reports into findings: severity, location, category, with evidence.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gpt-ie {version('gpt-ie')}")
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Radiology reports into findings: severity, location, category, with evidence."""


app.command()(extract)
app.command()(explain)
app.command()(evaluate)
app.command()(view)
app.add_typer(prompt, name="prompt")
app.add_typer(batch, name="batch")
app.add_typer(sample, name="sample")
