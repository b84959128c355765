"""Which tasks are run, on which data: the list of jobs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from medfilip_bench.datasets.reader import Reader
from medfilip_bench.errors import UnknownNameError
from medfilip_bench.tasks import Task

PHANTOM = "-phantom"


@dataclass(frozen=True)
class Found:
    """A data set that was found: who reads it, and where."""

    reader: Reader
    folder: Path


@dataclass(frozen=True)
class Job:
    """A task on one source of data.

    Attributes:
        task: The task.
        found: The real data set; None for the phantom twin.
    """

    task: Task
    found: Found | None

    @property
    def name(self) -> str:
        """Name of its results."""
        return self.task.name + (PHANTOM if self.found is None else "")


def jobs(
    tasks: Mapping[str, Task],
    found: Iterable[Found],
    chosen: Sequence[str] = (),
    *,
    phantoms: bool = True,
) -> list[Job]:
    """List what is run, in the order of the tasks: phantoms first, then what was found.

    Args:
        tasks: All tasks by name.
        found: Data sets at hand.
        chosen: Names or patterns (``zero_shot-*``) of tasks; empty: all that have data.
        phantoms: Whether phantom twins are wanted.

    Raises:
        UnknownNameError: If a name or pattern fits no task that has data.
    """
    by_id = {one.reader.card.id: one for one in found}
    every = [Job(task, None) for task in tasks.values() if task.twin and phantoms]
    every += [
        Job(task, by_id[task.dataset])
        for task in tasks.values()
        if task.real and task.dataset in by_id
    ]
    for pattern in chosen:
        if not any(fnmatchcase(job.name, pattern) for job in every):
            raise UnknownNameError("task", pattern, [job.name for job in every])
    return [job for job in every if not chosen or any(fnmatchcase(job.name, p) for p in chosen)]
