"""``medfilip prepare verify``: is a prepared data set as it was written?"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from medfilip_model.cli.errors import expected_errors


def verify(
    folders: Annotated[list[Path], typer.Argument(help="Prepared data sets.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a data set.")] = False,
) -> None:
    """Compare every shard with dataset.json and tell what is missing, cut short or changed.

    Nothing is written. The command that prepared a set, given again with --verify, makes anew what
    is damaged.
    """
    with expected_errors():
        from medfilip_model.data.shards import verify_prepared

        found = {folder: verify_prepared(folder) for folder in folders}
    for folder, one in found.items():
        if as_json:
            typer.echo(json.dumps({"folder": str(folder), **asdict(one)}))
            continue
        for fault in one.faults:
            typer.echo(fault, err=True)
        how = f"{len(one.faults)} faults" if one.faults else "as it was written"
        typer.echo(f"{one.name}: {one.images} images in {one.shards} shards, {how}: {folder}")
    if any(one.faults for one in found.values()):
        raise typer.Exit(1)
