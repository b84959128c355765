"""What a long call tells its caller while it runs: a protocol, silence, and a terminal."""

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from rich.progress import TaskID


@runtime_checkable
class Listener(Protocol):
    """Hears what a training run is doing."""

    def note(self, text: str) -> None:
        """Something the user should know: what was left out, which encoder was chosen."""
        ...

    def start(self, what: str, total: int, unit: str) -> None:
        """A stage of `total` steps begins."""
        ...

    def advance(self, steps: int) -> None:
        """Steps of the present stage are done."""
        ...


class Silent:
    """Hears nothing; the default of library calls."""

    def note(self, text: str) -> None:
        """Ignore."""

    def start(self, what: str, total: int, unit: str) -> None:
        """Ignore."""

    def advance(self, steps: int) -> None:
        """Ignore."""


class Terminal:
    """Notes as lines and stages as bars with rate and time left, on stderr.

    Where stderr is no terminal the notes remain and the bars are not drawn.
    """

    def __init__(self) -> None:
        """Open nothing yet; use as a context manager."""
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("eta"),
            TimeRemainingColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID | None = None
        self._unit = ""

    def __enter__(self) -> "Terminal":
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def note(self, text: str) -> None:
        """Print a line above the bars."""
        self._console.print(text, markup=False)

    def start(self, what: str, total: int, unit: str) -> None:
        """Show a new bar."""
        if self._task is not None:
            self._bars.update(self._task, visible=False)
        self._unit = unit
        self._task = self._bars.add_task(what, total=total, rate="")

    def advance(self, steps: int) -> None:
        """Move the bar on."""
        if self._task is None:
            return
        speed = next(t.speed for t in self._bars.tasks if t.id == self._task)
        rate = "" if speed is None else f"{speed:.0f} {self._unit}/s"
        self._bars.update(self._task, advance=steps, rate=rate)
