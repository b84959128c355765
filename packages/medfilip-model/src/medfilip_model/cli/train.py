"""``medfilip-train``."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from medfilip_model.cli.errors import expected_errors


def train(
    findings: Annotated[
        Path | None, typer.Option(help="findings.jsonl that replaces the training findings.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Prepared data set, or folder with images/ and manifest.csv.  [default: phantoms]"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder to write.  [default: runs/RECIPE]")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="Settings to start from: see medfilip recipes.  [default: phantom]"),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file whose settings lie over the recipe's.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting, e.g. model.size=128."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Passes over the images.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights and batches.")] = None,
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
    micro_batch: Annotated[
        int | None, typer.Option(min=1, help="Images at a time; less memory, the same gradient.")
    ] = None,
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"] | None,
        typer.Option(help="auto is bf16 where the machine computes it, else fp32."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Go on with a run that was cut off in OUT.")
    ] = True,
) -> None:
    """Train an image-text model; without options on phantoms, on two CPU cores.

    Writes OUT/checkpoints/last and best (safetensors), config.json, metrics.jsonl and TensorBoard
    events, and prints the zero-shot AUC of the held-out images by class. A run that was cut off
    goes on where it was; SIGTERM and Ctrl-C save it and exit with 0.
    """
    with expected_errors():
        from medfilip_model.overrides import build_config
        from medfilip_model.progress import Terminal
        from medfilip_model.training import train as run

        options = {
            "out": out,
            "epochs": epochs,
            "seed": seed,
            "data__folder": data,
            "data__findings": findings,
            "data__workers": workers,
            "targets__encoder": encoder,
            "loss__variant": loss,
            "micro_batch": micro_batch,
            "precision": precision,
        }
        built = build_config(
            recipe,
            file=config,
            settings=set_ or (),
            changes={key: value for key, value in options.items() if value is not None},
        )
        with Terminal() as terminal:
            result = run(built, listener=terminal, resume=resume)
    if os.environ.get("RANK", "0") != "0":  # of several processes one tells
        return
    last = result.epochs[-1]
    for category, auc in last.auc.items():
        typer.echo(f"{category:24} {_number(auc)}")
    typer.echo(f"{'macro AUC':24} {_number(last.macro_auc)}")
    typer.echo(f"{result.out} written in {result.seconds:.0f} s; targets by {result.encoder}")
    if result.skipped:
        typer.echo(f"{len(result.skipped)} images could not be read", err=True)
        raise typer.Exit(1)


def _number(value: float | None) -> str:
    return "undefined (no positive or no negative)" if value is None else f"{value:.3f}"
