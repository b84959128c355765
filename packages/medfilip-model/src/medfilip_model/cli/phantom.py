"""``medfilip phantom``."""

from pathlib import Path
from typing import Annotated

import typer

from medfilip_model.cli.errors import expected_errors


def phantom(
    out: Annotated[Path, typer.Option(help="Folder to write: new, empty or of earlier phantoms.")],
    n: Annotated[int, typer.Option(min=1, help="How many radiographs.")] = 16,
    size: Annotated[int, typer.Option(min=32, max=2048, help="Side in pixels.")] = 256,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the set.")] = 0,
    unseen: Annotated[
        float, typer.Option(min=0, max=1, help="Share of images that show COVID-19.")
    ] = 0.0,
    workers: Annotated[int, typer.Option(min=1, help="Processes that draw.")] = 2,
) -> None:
    """Draw phantom radiographs with masks, reports and truth, and a contact sheet of them."""
    with expected_errors():
        from medfilip_model.phantom import PhantomConfig, write_phantoms
        from medfilip_model.progress import Terminal

        config = PhantomConfig(size=size, seed=seed, unseen_share=unseen)
        with Terminal() as terminal:
            terminal.start("drawing phantoms", n, "images")
            written = write_phantoms(config, n, out, workers=workers, progress=terminal.advance)
    for category, count in written.findings.items():
        typer.echo(f"{category:24} {count}")
    typer.echo(f"{written.images} images in {out}: see {out / 'contact_sheet.png'}")
