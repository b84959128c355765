"""Chunks of indices through one process or several, results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

from medfilip_model.errors import ConfigError

_CHUNK = 16

Result = TypeVar("Result")


def in_order(
    task: Callable[[list[int]], Result], indices: Iterable[int], *, workers: int
) -> Iterator[Result]:
    """Run a task on successive chunks of indices.

    Args:
        task: A picklable function of a chunk of indices.
        indices: Consumed lazily.
        workers: Processes. With more than one, the caller's main module must be importable
            without side effects (``if __name__ == "__main__":``), because they are spawned.

    Yields:
        One result a chunk, in the order of the indices whatever the number of workers.

    Raises:
        ConfigError: ``workers`` is below 1.
    """
    if workers < 1:
        raise ConfigError(f"workers is {workers!r}; give 1 or more processes")
    todo = iter(indices)
    if workers == 1:
        while chunk := list(islice(todo, _CHUNK)):
            yield task(chunk)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        pending: deque[Future[Result]] = deque()
        while True:
            # A bounded queue: a slow consumer does not fill the memory.
            while len(pending) < 3 * workers and (chunk := list(islice(todo, _CHUNK))):
                pending.append(pool.submit(task, chunk))
            if not pending:
                return
            yield pending.popleft().result()
