"""``medfilip predict``."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from medfilip_model.cli.errors import expected_errors

if TYPE_CHECKING:
    from medfilip_model.classes import ClassScore
    from medfilip_model.explain import AttributeScore, Explanation, Reasons
    from medfilip_model.predict import Prediction

# Attributes that a line names; --json has all.
_NAMED = 4


def predict(
    images: Annotated[list[Path], typer.Argument(help="Image files: PNG, JPEG, DICOM, 16-bit.")],
    run: Annotated[Path, typer.Option(help="Run or checkpoint folder.")] = Path("runs/phantom"),
    classes: Annotated[
        str, typer.Option(help="Data set of the dictionary whose classes are scored.")
    ] = "chestxray14",
    explain: Annotated[
        bool, typer.Option("--explain", help="Visual attributes for and against each class.")
    ] = False,
    heatmap: Annotated[
        Path | None,
        typer.Option(help="PNG of where; of several images one each, named after it too."),
    ] = None,
    by: Annotated[
        Literal["attention", "similarity", "occlusion"] | None,
        typer.Option(help="What the heatmap shows; else a fusion head's attention, or occlusion."),
    ] = None,
    of: Annotated[
        list[str] | None,
        typer.Option(help="Class to explain and to draw; repeatable. Else the first three."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object an image.")] = False,
) -> None:
    """Score images against the classes of a data set: how probable, why, and where.

    Probabilities hold for images like those that the run held out; not for clinical use.
    """
    with expected_errors():
        from iki_knowledge import load_knowledge

        from medfilip_model.calibration import read_calibration
        from medfilip_model.checkpoint import load_checkpoint
        from medfilip_model.draw import draw_heatmaps
        from medfilip_model.predict import choose_classes
        from medfilip_model.predict import predict as score

        kb = load_knowledge()
        chosen = choose_classes(kb.classes(classes), of or ())
        checkpoint = load_checkpoint(run)
        model, calibration = checkpoint.model, read_calibration(checkpoint.extra)
        if calibration is None:
            typer.echo(f"{run} has no calibration: similarities, no probabilities", err=True)
        predictions, skipped = score(
            model, images, kb, classes=classes, calibration=calibration, reasons=explain
        )
        drawn: Sequence[Path | None] = [None] * len(predictions)
        if heatmap is not None:
            drawn = draw_heatmaps(
                model, predictions, kb, heatmap, chosen, calibration=calibration, kind=by
            )
    for prediction, path in zip(predictions, drawn, strict=True):
        if as_json:
            row = asdict(prediction) | {"heatmap": None if path is None else str(path)}
            typer.echo(json.dumps(row, allow_nan=False))
            continue
        for line in (*_lines(prediction, chosen), *([] if path is None else [f"  see {path}"])):
            typer.echo(line)
    for entry in skipped:
        typer.echo(f"skipped {entry.file}: {entry.reason}", err=True)
    if skipped:
        raise typer.Exit(1)


def _lines(prediction: "Prediction", chosen: Sequence[str]) -> list[str]:
    from medfilip_model.predict import shown_classes

    shown = shown_classes(prediction, chosen)
    lines = [prediction.file]
    why = {} if prediction.reasons is None else {r.category: r for r in prediction.reasons.classes}
    for score in prediction.scores:
        lines.append(_class_line(score))
        if score.label in shown and score.category in why:
            lines += _reason_lines(why[score.category])
    if prediction.reasons is not None and prediction.reasons.inferred:
        lines.append(_inferred_line(prediction.reasons))
    return lines


def _class_line(score: "ClassScore") -> str:
    cells = [f"  {score.label:24}", f"similarity {score.similarity:6.3f}"]
    if score.probability is not None:
        mark = "~" if score.calibrated == "pooled" else " "
        cells.insert(1, f"{mark}{score.probability:5.1%}".rjust(8))
    if score.presence is not None:
        cells.append(f"fusion head {score.presence:5.1%}")
    return "  ".join(cells)


def _reason_lines(why: "Explanation") -> list[str]:
    lines = [
        f"      {word:8} {', '.join(map(_attribute, scores[:_NAMED]))}"
        for word, scores in (("for", why.speaks_for), ("against", why.speaks_against))
        if scores
    ]
    subclass = " ".join(part for part in (why.severity, why.place) if part)
    return [*lines, f"      subclass {subclass.replace('_', ' ')}"] if subclass else lines


def _attribute(score: "AttributeScore") -> str:
    return score.text if score.evidence is None else f"{score.text} ({score.evidence:+.2f})"


def _inferred_line(reasons: "Reasons") -> str:
    named = (
        f"{one.category.replace('_', ' ')} {one.probability:.0%}" for one in reasons.inferred[:3]
    )
    return f"  by its attributes alone: {', '.join(named)}"
