"""`medfilip-train` and `medfilip`: parse, build a config, call one function, print."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

train_app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Phantom radiographs and trained models. Training: medfilip-train.",
)


@contextmanager
def _expected_errors() -> Generator[None]:
    """Turn an expected error into one line on stderr and exit code 2."""
    from iki_knowledge.errors import IkiError
    from ssm.errors import SsmError

    from medfilip_model.errors import MedfilipError

    try:
        yield
    except (MedfilipError, IkiError, SsmError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    except OSError as error:
        typer.echo(f"error: {error.filename or 'file'}: {error.strerror}", err=True)
        raise typer.Exit(2) from error


@train_app.command()
def train(
    findings: Annotated[
        Path | None, typer.Option(help="findings.jsonl that replaces the training findings.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="Folder with images/ and manifest.csv.  [default: phantoms]")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder to write.  [default: runs/RECIPE]")
    ] = None,
    recipe: Annotated[
        Literal["phantom", "paper"], typer.Option(help="Settings to start from.")
    ] = "phantom",
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the images.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights and batches.")] = 0,
    encoder: Annotated[
        str | None,
        typer.Option(help="Encoder of the soft targets: minilm, lexical, hf:NAME, st:NAME."),
    ] = None,
    loss: Annotated[
        Literal["paper", "official"] | None, typer.Option(help="Variant of the ITM loss.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that draw or decode images.")
    ] = None,
) -> None:
    """Train an image-text model; without options on phantoms, on two CPU cores.

    Writes OUT/checkpoints/last (safetensors), config.json, metrics.jsonl and TensorBoard events,
    and prints the zero-shot AUC of the held-out images by class.
    """
    with _expected_errors():
        from medfilip_model.progress import Terminal
        from medfilip_model.recipes import RECIPES
        from medfilip_model.training import train as run

        options = {
            "out": out,
            "epochs": epochs,
            "seed": seed,
            "data__folder": data,
            "data__findings": findings,
            "data__workers": workers,
            "targets__encoder": encoder,
            "targets__variant": loss,
        }
        config = RECIPES[recipe]().replace(**{k: v for k, v in options.items() if v is not None})
        with Terminal() as terminal:
            result = run(config, listener=terminal)
    last = result.epochs[-1]
    for category, auc in last.auc.items():
        typer.echo(f"{category:24} {_number(auc)}")
    typer.echo(f"{'macro AUC':24} {_number(last.macro_auc)}")
    typer.echo(f"{result.out} written in {result.seconds:.0f} s; targets by {result.encoder}")
    if result.skipped:
        typer.echo(f"{len(result.skipped)} images could not be read", err=True)
        raise typer.Exit(1)


@app.command()
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
    with _expected_errors():
        from medfilip_model.phantom import PhantomConfig, write_phantoms
        from medfilip_model.progress import Terminal

        config = PhantomConfig(size=size, seed=seed, unseen_share=unseen)
        with Terminal() as terminal:
            terminal.start("drawing phantoms", n, "images")
            written = write_phantoms(config, n, out, workers=workers, progress=terminal.advance)
    for category, count in written.findings.items():
        typer.echo(f"{category:24} {count}")
    typer.echo(f"{written.images} images in {out}: see {out / 'contact_sheet.png'}")


@app.command()
def predict(
    images: Annotated[list[Path], typer.Argument(help="Image files.")],
    run: Annotated[Path, typer.Option(help="Run or checkpoint folder.")] = Path("runs/phantom"),
    classes: Annotated[
        str, typer.Option(help="Data set of the dictionary whose classes are scored.")
    ] = "chestxray14",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an image.")] = False,
) -> None:
    """Score images against the classes of a data set by similarity to their texts."""
    with _expected_errors():
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


def _number(value: float | None) -> str:
    return "undefined (no positive or no negative)" if value is None else f"{value:.3f}"
