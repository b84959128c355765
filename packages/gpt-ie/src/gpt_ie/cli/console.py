"""What every command needs of a terminal: errors in one line, plain tables, a bar of progress."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol

import typer

if TYPE_CHECKING:
    from gpt_ie.schema import Rejected


@contextmanager
def usage_errors() -> Generator[None]:
    """Turn an expected error into one line and exit code 2."""
    from iki_knowledge import IkiError

    from gpt_ie.schema import GptIeError

    try:
        yield
    except (GptIeError, IkiError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or 'a file'}: {error.strerror or error}")
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from here", err=True)
        raise typer.Exit(130) from None


def fail(message: str) -> NoReturn:
    """One line on stderr, exit code 2."""
    typer.echo(f"error: {' '.join(message.split())}", err=True)
    raise typer.Exit(2)


class Failing(Protocol):
    """A summary of what failed."""

    @property
    def failed(self) -> int:
        """How many."""
        ...

    @property
    def first_failures(self) -> tuple["Rejected", ...]:
        """The first few."""
        ...

    @property
    def failed_out(self) -> Path | None:
        """The file with all of them."""
        ...


def report_failures(summary: Failing, total: int, things: str) -> None:
    """The first failures of a run on stderr, and where all of them are.

    Args:
        summary: What failed, of
        total: so many
        things: of these, in the plural.
    """
    for failure in summary.first_failures:
        name = "a row without id" if failure.report_id is None else repr(failure.report_id)
        row = "" if failure.row is None else f" (row {failure.row})"
        typer.echo(f"failed: {name}{row}: {failure.reason}", err=True)
    if summary.failed > len(summary.first_failures):
        typer.echo(f"… and {summary.failed - len(summary.first_failures)} more", err=True)
    typer.echo(
        f"{summary.failed} of {total} {things} failed; they are in {summary.failed_out} with the "
        "reasons",
        err=True,
    )


def print_table(names: list[str], rows: list[list[str]]) -> None:
    """A plain table: numbers to the right, two spaces between columns."""
    widths = [max(map(len, column)) for column in zip(names, *rows, strict=True)]
    numeric = [all(row[place].isdigit() for row in rows) for place in range(len(names))]
    for row in (names, *rows):
        cells = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        typer.echo("  ".join(cells).rstrip())


@contextmanager
def progress(reports: Path) -> Generator[tuple[Callable[[int], None], Callable[[int], None]]]:
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
