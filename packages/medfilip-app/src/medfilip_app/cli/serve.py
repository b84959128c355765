"""``medfilip-app serve``."""

from pathlib import Path
from typing import Annotated

import typer

from medfilip_app.cli.errors import expected_errors


def serve(
    run: Annotated[Path, typer.Option(help="Run or checkpoint folder.")] = Path("runs/phantom"),
    host: Annotated[
        str, typer.Option(help="Address to listen on; by default this machine alone hears it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any that is free.")] = 7860,
    device: Annotated[str, typer.Option(help="Where the model runs, e.g. cuda.")] = "cpu",
) -> None:
    """Serve the web page: look at images, read reports, check one against the other.

    Nothing leaves this machine, and nobody else can reach the page unless --host says so; it asks
    for no password. Not for clinical use.
    """
    with expected_errors():
        typer.echo("loading …", err=True)
        from medfilip_app.loaded import load
        from medfilip_app.page import serve as serve_page

        serve_page(load(run, device=device), host=host, port=port, ready=_say)


def _say(address: str) -> None:
    typer.echo(address)
    typer.echo("Press Ctrl+C to stop. Not for clinical use.", err=True)
