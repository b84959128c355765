"""`medfilip-bench`: all, list, show, report, compare, data check."""

import json
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

Judge = Literal["test", "all"]
ProfileName = Literal["quick", "full"]

if TYPE_CHECKING:
    from medfilip_model.progress import Terminal

    from medfilip_bench.runner import Finished

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure chest-radiograph vision-language models, honestly. Not for clinical use.",
)
data_app = typer.Typer(add_completion=False, no_args_is_help=True, help="Look at data sets.")
app.add_typer(data_app, name="data")
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Results = Annotated[Path, typer.Argument(help="A results folder.", metavar="RESULTS_DIR")]
DATA = "A data set's folder in its official layout, or a folder of such folders."


@app.command(name="all")
def all_tasks(
    data: Annotated[Path | None, typer.Option(help=DATA)] = None,
    split: Annotated[
        Judge,
        typer.Option(help="Which real images zero-shot tasks judge: test, or all but valid."),
    ] = "test",
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many images of each real split.")
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="See `list`; default: runs/phantom, trained when missing."),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(help="Name or pattern of a task ('zero_shot-*'); again for more."),
    ] = None,
    profile: Annotated[
        ProfileName, typer.Option(help="What trained tasks spend: one seed and minutes, or full.")
    ] = "quick",
    phantoms: Annotated[bool, typer.Option(help="Run the phantom twins.")] = True,
    reference: Annotated[
        list[str] | None,
        typer.Option(help="Encoder that probes stand beside; again for more."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Results folder.")] = Path("results"),
    n: Annotated[int, typer.Option(min=20, help="Images of the largest phantom test set.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of phantoms and bootstrap.")] = 0,
    resume: Annotated[bool, typer.Option(help="Keep results whose inputs are unchanged.")] = True,
    pictures: Annotated[
        bool, typer.Option(help="Put real images into the report. Not for credentialed data.")
    ] = False,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1 …")] = None,
    as_json: AsJson = False,
) -> None:
    """Do the main job: phantoms, extraction, training if there is no run yet, all tasks, report."""
    with _usage_errors():
        from medfilip_bench.config import REFERENCES, BenchConfig
        from medfilip_bench.runner import run_all

        config = BenchConfig(
            model=model,
            data=data,
            phantoms=phantoms,
            tasks=tuple(task or ()),
            split=split,
            limit=limit,
            profile=profile,
            references=tuple(reference) if reference else REFERENCES,
            out=out,
            n=n,
            seed=seed,
            resume=resume,
            pictures=pictures,
            device=device,
            workers=min(4, os.cpu_count() or 1),
            command=" ".join(["medfilip-bench", *sys.argv[1:]]),
        )
        with _terminal() as listener:
            done = run_all(config, listener=listener)
        _print_finished(done, out, as_json=as_json)
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
    with _usage_errors():
        from medfilip_bench.listing import listing, listing_text

        print(json.dumps(listing(), indent=1) if as_json else listing_text())


@app.command()
def show(
    task: Annotated[str, typer.Argument(help="Name of a task, as `list` prints it.")],
    as_json: AsJson = False,
) -> None:
    """Show what is pinned of a task: question, data, licence, citation, classes, prompts."""
    with _usage_errors():
        from medfilip_bench.listing import details, details_text

        print(json.dumps(details(task), indent=1) if as_json else details_text(task))


@app.command()
def report(results: Results) -> None:
    """Write the report again from the records of a results folder."""
    with _usage_errors():
        from medfilip_bench.report import write_again

        written = write_again(results)
        print(f"{written.html}\n{written.markdown}\n{written.json}")


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(help="Results of one model: RESULTS_DIR/MODEL.")],
    b: Annotated[Path, typer.Argument(help="Results of another, on the same images.")],
    as_json: AsJson = False,
) -> None:
    """Compare two models image by image: DeLong or paired bootstrap, with Holm's correction."""
    with _usage_errors():
        from medfilip_bench.compare import as_text
        from medfilip_bench.compare import compare as compare_models

        found = compare_models(a, b)
        print(found.model_dump_json(indent=1) if as_json else as_text(found))


@data_app.command()
def check(
    root: Annotated[
        Path | None, typer.Argument(help=f"{DATA} Default: the variable MEDFILIP_DATA.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say of each data set what is expected where, what was found, and how to get it."""
    with _usage_errors():
        from medfilip_bench.datasets.check import inventory, lines, to_tree

        found = inventory(root or _data_root())
        print(json.dumps(to_tree(found), indent=1) if as_json else "\n".join(lines(found)))
    if any(one.wrong for one in found):
        raise typer.Exit(1)


def _data_root() -> Path:
    from medfilip_bench.errors import DataError

    named = os.environ.get("MEDFILIP_DATA")
    if not named:
        raise DataError("name a data root, or set the variable MEDFILIP_DATA")
    return Path(named)


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


def _print_finished(done: "Finished", out: Path, *, as_json: bool) -> None:
    """Print records as JSON, or the headline figures and where everything is."""
    from medfilip_bench.report import as_text, summary
    from medfilip_bench.results import to_json

    if as_json:
        print(to_json(done.records))
        return
    print("\n".join(as_text(summary(done.records))))
    for task in done.passed_over:
        print(f"passed over {task.task}: {task.reason}")
    print("Results on phantoms say nothing about patients. Not for clinical use.")
    if done.needed:
        print(f"images    {done.encoded:,} encoded now, {done.needed:,} needed")
    print(f"results   {out}/<model>/<task>.json")
    if done.report is not None:
        print(f"report    {done.report.html}\n          {done.report.markdown}")
