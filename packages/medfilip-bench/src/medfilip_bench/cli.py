"""`medfilip-bench`: all, list, report."""

import json
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

Judge = Literal["test", "all"]

if TYPE_CHECKING:
    from medfilip_model.progress import Terminal

    from medfilip_bench.tables import Table

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure chest-radiograph vision-language models, honestly. Not for clinical use.",
)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]


@app.command(name="all")
def all_tasks(
    data: Annotated[
        Path | None,
        typer.Option(help="A folder with manifest.csv and images/, scored beside the phantoms."),
    ] = None,
    split: Annotated[
        Judge,
        typer.Option(help="Which of its images are judged: test, or all but its valid split."),
    ] = "test",
    model: Annotated[
        str | None,
        typer.Option(help="run:PATH or random; default: runs/phantom, trained when missing."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Results folder.")] = Path("results"),
    n: Annotated[int, typer.Option(min=20, help="Images of the largest phantom test set.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of phantoms and bootstrap.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Do the main job: phantoms, extraction, training if there is no run yet, all tasks, report."""
    with _usage_errors():
        from medfilip_bench.results import to_json
        from medfilip_bench.runner import BenchConfig, run_all
        from medfilip_bench.summary import summary

        workers = min(4, os.cpu_count() or 1)
        command = " ".join(["medfilip-bench", *sys.argv[1:]])
        config = BenchConfig(
            model=model,
            data=data,
            split=split,
            out=out,
            n=n,
            seed=seed,
            workers=workers,
            command=command,
        )
        with _terminal() as listener:
            done = run_all(config, listener=listener)
        if as_json:
            print(to_json(done.records))
        else:
            _print_summary(summary(done.records))
            print("Results on phantoms say nothing about patients. Not for clinical use.")
            print(f"results   {out}/<model>/<task>.json")
            print(f"report    {done.report.markdown}\n          {done.report.html}")
    for failure in done.failures:
        _complain(f"task {failure.task!r} failed: {failure.reason}")
    if done.skipped:
        names = ", ".join(repr(entry.file) for entry in done.skipped[:5])
        _complain(f"{len(done.skipped)} images could not be read and were left out: {names}")
    if done.failures or done.skipped:
        raise typer.Exit(1)


@app.command(name="list")
def list_names(as_json: AsJson = False) -> None:
    """List the tasks and the models that --model takes."""
    from medfilip_bench.registry import MODELS
    from medfilip_bench.tasks import TASKS

    if as_json:
        tasks = [{"name": t.name, "title": t.title, "phantom": t.phantom} for t in TASKS.values()]
        print(json.dumps({"tasks": tasks, "models": MODELS}, indent=1))
        return
    print("tasks")
    for task in TASKS.values():
        print(f"  {task.name:<18}{task.title} ({'phantoms' if task.phantom else 'needs --data'})")
    print("models")
    for name, words in MODELS.items():
        print(f"  {name:<18}{words}")


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="A results folder.", metavar="RESULTS_DIR")],
) -> None:
    """Write report.md and report.html again from the records of a results folder."""
    with _usage_errors():
        from medfilip_bench.report import write_report
        from medfilip_bench.results import read_results

        written = write_report(read_results(results), results)
        print(f"{written.markdown}\n{written.html}")


@contextmanager
def _usage_errors() -> Generator[None]:
    """Print an expected error as one line and exit 2."""
    from gpt_ie import GptIeError
    from iki_knowledge import IkiError
    from medfilip_model.errors import MedfilipError
    from ssm.errors import SsmError

    from medfilip_bench.errors import BenchError

    try:
        yield
    except (BenchError, MedfilipError, IkiError, GptIeError, SsmError) as error:
        _complain(f"error: {error}")
        raise typer.Exit(2) from error
    except OSError as error:
        _complain(f"error: {error.filename or 'file'}: {error.strerror or error}")
        raise typer.Exit(2) from error


def _terminal() -> "Terminal":
    """Return what shows notes and bars on stderr."""
    from medfilip_model.progress import Terminal

    return Terminal()


def _complain(text: str) -> None:
    print(" ".join(text.split()), file=sys.stderr)


def _print_summary(table: "Table") -> None:
    """Print headline figures: a heading for each task, one line a figure, only intervals small."""
    from medfilip_bench.tables import words

    rows = [list(table.columns[1:])]
    headings: dict[int, str] = {}
    for line in table.lines:
        if line.name:
            headings[len(rows)] = words(line.name, line.small)
        figure, value, *others = line.cells
        rows.append([f"  {figure.text}", words(value.text, value.small), *(c.text for c in others)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        if number in headings:
            print(headings[number])
        print(
            "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        )
