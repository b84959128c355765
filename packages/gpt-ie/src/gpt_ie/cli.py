"""`gpt-ie`: reports into findings, from the command line. Thin: parse, one library call, print."""

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from gpt_ie.pipeline import ExtractionSummary

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Radiology reports into findings: severity, location, category, with evidence.",
)
sample = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Write real reports to try gpt-ie on."
)
app.add_typer(sample, name="sample")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"gpt-ie {version('gpt-ie')}")
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
    """Radiology reports into findings: severity, location, category, with evidence."""


@sample.command("openi")
def sample_openi(
    out: Annotated[
        Path, typer.Option(help="The CSV to write: report_id, findings, impression.")
    ] = Path("reports.csv"),
) -> None:
    """Write the 3,955 reports of Open-i as a CSV.

    They are chest radiographs' reports of Indiana University (CC BY-NC-ND), read in place from
    the installed package torchxrayvision. Another file of that name is kept.
    """
    from gpt_ie.samples import write_openi

    with _usage_errors():
        count = write_openi(out)
    typer.echo(f"{count} reports written to {out}")


@app.command()
def extract(
    reports: Annotated[
        Path,
        typer.Argument(
            metavar="REPORTS",
            help="A .csv with a header, or a .jsonl with one object a line; UTF-8.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="The findings; by default REPORTS with .findings.jsonl for its ending."),
    ] = None,
    id_column: Annotated[
        str | None,
        typer.Option("--id", metavar="COLUMN", help="Column of the report's id, if not guessed."),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column of text, if not guessed; may be repeated."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the summary as JSON instead of a table.")
    ] = False,
) -> None:
    """Extract the findings of every report.

    Findings go to OUT, one report a line; reports that fail go to OUT's name with .failed.jsonl,
    with the reason. A run that was cut off is taken up where it stopped.

    Exit code 0: all done; 1: some reports failed; 2: the input or an option is wrong, and what
    stood in OUT before still stands there.
    """
    from gpt_ie.pipeline import extract as run
    from gpt_ie.readers import read_reports
    from gpt_ie.rules.engine import RulesEngine

    target = out or reports.with_name(f"{reports.stem}.findings.jsonl")
    with _usage_errors():
        _check_out(target, reports)
        with _progress(reports) as (on_read, on_progress):
            stream = read_reports(
                reports, id_column=id_column, text_columns=text or (), on_read=on_read
            )
            summary = run(stream, RulesEngine(), target, on_progress=on_progress)
    if as_json:
        typer.echo(json.dumps(asdict(summary), default=str, ensure_ascii=False))
    else:
        _print_summary(summary)
    if summary.failed:
        _report_failures(summary)
        raise typer.Exit(1)


@app.command()
def explain(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A sentence or more of a report.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show what the rules find in a text, and why.

    One row for each mention, with the phrase that decided on its presence.
    """
    from gpt_ie.rules.engine import RulesEngine

    rows: list[dict[str, object]] = []
    for reading in RulesEngine().explain(text):
        finding = reading.finding
        rows.append(
            {
                "surface": text[slice(*reading.surface)],
                "category": finding.category,
                "presence": reading.verdict.presence or "not asserted",
                "trigger": reading.verdict.trigger,
                "severity": finding.severity,
                "side": finding.side,
                "region": finding.region,
                "trend": finding.trend,
                "evidence": text[slice(*reading.evidence)],
            }
        )
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
    elif rows:
        _print_table(list(rows[0]), [[str(v or "-") for v in row.values()] for row in rows])
    else:
        typer.echo("nothing that the dictionary knows")


@contextmanager
def _usage_errors() -> Generator[None]:
    """Turn an expected error into one line and exit code 2."""
    from iki_knowledge import IkiError

    from gpt_ie.schema import GptIeError

    try:
        yield
    except (GptIeError, IkiError) as error:
        _fail(str(error))
    except OSError as error:
        _fail(f"{error.filename or 'a file'}: {error.strerror or error}")
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from here", err=True)
        raise typer.Exit(130) from None


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    raise typer.Exit(2)


def _check_out(out: Path, reports: Path) -> None:
    """Refuse an output that is a folder, lies in no folder, or is the input itself."""
    if out.is_dir():
        _fail(f"--out {str(out)!r} is a folder; name a file in it")
    if not out.parent.is_dir():
        _fail(f"--out {str(out)!r}: there is no folder {str(out.parent)!r}; make it first")
    if out.exists() and reports.exists() and out.samefile(reports):
        _fail(f"--out {str(out)!r} is the file of reports itself; name another")


@contextmanager
def _progress(reports: Path) -> Generator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """A bar on stderr by bytes read, with the time left; silent when stderr is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    size = reports.stat().st_size if reports.is_file() else None
    console = Console(stderr=True)
    columns = (
        TextColumn("extracting"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[done]} reports"),
        TimeRemainingColumn(),
    )
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("extracting", total=size, done=0)
        read = 0

        def on_read(count: int) -> None:
            nonlocal read
            read = count

        def on_progress(done: int) -> None:
            if done % 100 == 0:
                progress.update(task, completed=read, done=done)

        yield on_read, on_progress


def _print_summary(summary: "ExtractionSummary") -> None:
    rows = [
        [category, *map(str, (count.reports, count.present, count.uncertain, count.absent))]
        for category, count in summary.by_category.items()
    ]
    _print_table(["category", "reports", "present", "uncertain", "absent"], rows)
    resumed = (
        f", {summary.resumed} of them taken over from a run cut off" if summary.resumed else ""
    )
    typer.echo(
        f"{summary.reports} reports ({summary.failed} failed{resumed}), {summary.findings} "
        f"findings, {summary.rate:.0f} reports/s, engine {summary.engine}\n"
        f"written to {summary.out}"
    )


def _report_failures(summary: "ExtractionSummary") -> None:
    for failure in summary.first_failures:
        name = "a row without id" if failure.report_id is None else repr(failure.report_id)
        row = "" if failure.row is None else f" (row {failure.row})"
        typer.echo(f"failed: {name}{row}: {failure.reason}", err=True)
    if summary.failed > len(summary.first_failures):
        typer.echo(f"… and {summary.failed - len(summary.first_failures)} more", err=True)
    typer.echo(
        f"{summary.failed} of {summary.reports} reports failed; they are in {summary.failed_out} "
        "with the reasons",
        err=True,
    )


def _print_table(names: list[str], rows: list[list[str]]) -> None:
    """A plain table: numbers to the right, two spaces between columns."""
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    numeric = [
        bool(rows) and all(row[place].isdigit() for row in rows) for place in range(len(names))
    ]
    for row in (names, *rows):
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        typer.echo("  ".join(cells).rstrip())
