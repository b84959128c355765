"""``medfilip-app check``."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from gpt_ie.cli.console import fail, report_failures

from medfilip_app.cli.errors import expected_errors

if TYPE_CHECKING:
    from medfilip_app.loaded import Loaded
    from medfilip_app.table import TableSummary


def check(
    pairs: Annotated[
        Path | None,
        typer.Argument(
            metavar="PAIRS",
            help="A table, .csv, .jsonl or .parquet: image, and report or report_file.",
        ),
    ] = None,
    image: Annotated[Path | None, typer.Option(help="An image: PNG, JPEG, DICOM, 16-bit.")] = None,
    report: Annotated[Path | None, typer.Option(help="Its report: a text file in UTF-8.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The checks of PAIRS; by default with .checks.jsonl for its ending."),
    ] = None,
    run: Annotated[Path, typer.Option(help="Run or checkpoint folder.")] = Path("runs/phantom"),
    heatmap: Annotated[
        Path | None, typer.Option(help="PNG of where the image shows what the check is about.")
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option("--id", metavar="COLUMN", help="Column of the id in PAIRS, if not guessed."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume/--no-resume", help="Take over what a run cut off has done.")
    ] = True,
    batch: Annotated[int, typer.Option(min=1, help="Images that the model reads at a time.")] = 128,
    device: Annotated[str, typer.Option(help="Where the model runs, e.g. cuda.")] = "cpu",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the check, or the summary of PAIRS, as JSON.")
    ] = False,
) -> None:
    """Check a report against its image, or a table of pairs.

    Each finding that the report states is supported or contradicted by the image, or undecided,
    and what the image shows beyond them is listed. The checks of PAIRS go to OUT, one a line; what
    cannot be read goes to OUT's name with .failed.jsonl, with the reason.

    Exit code 0: done, whatever the verdicts; 1: some pairs could not be read; 2: the input or an
    option is wrong. Not for clinical use.
    """
    with expected_errors():
        if pairs is None:
            if out is not None or id_column is not None:
                fail("--out and --id belong to a table of PAIRS; one check goes to stdout")
            if image is None or report is None:
                fail("give --image and --report, or a table of PAIRS")
            _check_one(image, report, lambda: _load(run, device), heatmap, as_json=as_json)
            return
        if image is not None or report is not None or heatmap is not None:
            fail("--image, --report and --heatmap belong to one check: leave them out, or PAIRS")
        summary = _check_table(
            pairs, out, lambda: _load(run, device), id_column, resume=resume, batch=batch
        )
    if as_json:
        from pydantic import TypeAdapter

        typer.echo(TypeAdapter(type(summary)).dump_json(summary).decode())
    else:
        _print_summary(summary)
    if summary.failed:
        report_failures(summary, summary.pairs, "pairs")
        raise typer.Exit(1)


def _check_one(
    image: Path,
    report: Path,
    load: Callable[[], "Loaded"],
    drawn: Path | None,
    *,
    as_json: bool,
) -> None:
    from gpt_ie import Rejected
    from gpt_ie.screen import empty_reason
    from medfilip_model.data.decode import load_image

    from medfilip_app.check import check_report
    from medfilip_app.drawing import check_png, draw_check
    from medfilip_app.pairs import read_report
    from medfilip_app.record import check_record, to_json
    from medfilip_app.text import as_text

    if drawn is not None:
        check_png(drawn)
    text = read_report(Path(), str(report), report.stem)
    if isinstance(text, Rejected):
        fail(text.reason)
    empty = empty_reason(text)
    if empty is not None:
        fail(f"the report {str(report)!r} is empty")
    loaded = load()
    found = check_report(loaded, load_image(image, loaded.model.config.size), text)
    record = check_record(loaded, image, found)
    if drawn is not None:
        draw_check(loaded, image, record, drawn)
    if as_json:
        typer.echo(to_json(record))
        return
    from rich.console import Console

    Console(highlight=False).print(as_text(record))
    if drawn is not None:
        typer.echo(f"see {drawn}")


def _check_table(
    pairs: Path,
    out: Path | None,
    load: Callable[[], "Loaded"],
    id_column: str | None,
    *,
    resume: bool,
    batch: int,
) -> "TableSummary":
    from gpt_ie.readers import base_name
    from medfilip_model.progress import Terminal

    from medfilip_app.table import check_table

    target = out or pairs.with_name(f"{base_name(pairs)}.checks.jsonl")
    loaded = load()
    with Terminal() as terminal:
        return check_table(
            loaded,
            pairs,
            target,
            id_column=id_column,
            resume=resume,
            batch=batch,
            listener=terminal,
        )


def _load(run: Path, device: str) -> "Loaded":
    from medfilip_app.loaded import load
    from medfilip_app.record import judges_omissions

    loaded = load(run, device=device)
    if loaded.calibration is None:
        typer.echo(f"{run} has no calibration: nothing can be decided", err=True)
    elif not judges_omissions(loaded):
        typer.echo(
            f"{run} has learned nothing of statements: sides, severities and omissions stay open; "
            "train it again, with more held-out images",
            err=True,
        )
    return loaded


def _print_summary(summary: "TableSummary") -> None:
    from medfilip_app.text import model_line

    resumed = (
        f", {summary.resumed} of them taken over from a run cut off" if summary.resumed else ""
    )
    typer.echo(
        f"pairs         {summary.pairs} ({summary.failed} failed{resumed})\n"
        f"statements    {summary.statements}\n"
        f"supported     {summary.supported}\n"
        f"contradicted  {summary.contradicted}\n"
        f"undecided     {summary.undecided}\n"
        f"omissions     {'not known' if summary.omissions is None else summary.omissions}\n"
        f"{model_line(summary.model)}\n"
        f"written to {summary.out} in {summary.seconds:.1f} s"
    )
