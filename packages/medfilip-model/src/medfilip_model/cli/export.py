"""``medfilip export``."""

import json
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from medfilip_model.cli.errors import expected_errors


class Target(StrEnum):
    """What `medfilip_model.export.KINDS` has, without importing torch for ``--help``."""

    hub_folder = "hub-folder"
    onnx = "onnx"
    torchscript = "torchscript"
    timm = "timm"


def export(
    run: Annotated[Path, typer.Argument(help="Run, checkpoint or hub folder.")],
    to: Annotated[Target, typer.Option(help="What for.")],
    out: Annotated[
        Path, typer.Option(help="New folder, or that of an earlier export, which is replaced.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Export a trained model with a card, once it agrees with torch."""
    with expected_errors():
        from medfilip_model.export import export as write

        done = write(run, to.value, out)
    if as_json:
        typer.echo(json.dumps({**asdict(done), "folder": str(done.folder)}))
        return
    typer.echo(f"{done.folder}: {', '.join(done.files)}")
    for check in done.checks:
        typer.echo(f"  {check.part:24} differs from torch by {check.difference:.1e} at most")
