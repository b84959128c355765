"""``medfilip predict``."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from medfilip_model.cli.errors import expected_errors


def predict(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    run: Annotated[Path, typer.Option(help="Run or checkpoint folder.")] = Path("runs/phantom"),
    classes: Annotated[
        str, typer.Option(help="Data set of the dictionary whose classes are scored.")
    ] = "chestxray14",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an image.")] = False,
) -> None:
    """Score images against the classes of a data set by similarity to their texts."""
    with expected_errors():
        from iki_knowledge import load_knowledge

        from medfilip_model.checkpoint import load_model
        from medfilip_model.predict import predict as score

        predictions, skipped = score(load_model(run), images, load_knowledge(), classes=classes)
    for prediction in predictions:
        if as_json:
            typer.echo(json.dumps(asdict(prediction)))
            continue
        typer.echo(prediction.file)
        for line in prediction.scores:
            typer.echo(f"  {line.label:24} {line.similarity:6.3f}")
    for entry in skipped:
        typer.echo(f"skipped {entry.file}: {entry.reason}", err=True)
    if skipped:
        raise typer.Exit(1)
