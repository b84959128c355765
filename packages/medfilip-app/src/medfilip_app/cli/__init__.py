"""``medfilip-app``: parse, call one library function, print."""

from typing import Annotated

import typer

from medfilip_app import __version__
from medfilip_app.cli.check import check
from medfilip_app.cli.serve import serve

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"medfilip-app {__version__}")
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
    """Look at a chest radiograph, check its report against it, browse the dictionary."""


app.command()(check)
app.command()(serve)
