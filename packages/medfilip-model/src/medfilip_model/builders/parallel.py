"""Chunks of work through several processes, results in order, memory bounded."""

import os
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import TypeVar

from medfilip_model.errors import DataError

Chunk = TypeVar("Chunk")
Result = TypeVar("Result")

# Chunks under way for each worker: enough to keep it busy, few enough to hold in memory.
_AHEAD = 2


def in_order(
    task: Callable[[Chunk], Result], chunks: Iterable[Chunk], *, workers: int
) -> Generator[tuple[Chunk, Result]]:
    """Run a task on chunks.

    Args:
        task: Picklable, as are chunks and results.
        chunks: Consumed lazily, not far ahead of what was yielded.
        workers: Processes; with 1 the caller's own does the work. They end when the caller dies.

    Yields:
        Each chunk and its result, in order whatever the number of workers.

    Raises:
        DataError: When a worker was killed or crashed.
    """
    if workers == 1:
        for chunk in chunks:
            yield chunk, task(chunk)
        return
    pool = ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_end_with_parent
    )
    todo = iter(chunks)
    pending: deque[tuple[Chunk, Future[Result]]] = deque()
    try:
        while True:
            while len(pending) < (_AHEAD + 1) * workers and (chunk := next(todo, None)) is not None:
                pending.append((chunk, pool.submit(task, chunk)))
            if not pending:
                return
            chunk, future = pending.popleft()
            yield chunk, future.result()
    except BrokenProcessPool as error:
        raise DataError(
            "a process that decodes images died (killed for want of memory, or crashed in a "
            "decoder); what is finished is kept: run the same command again, with fewer workers"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """Without this, workers of a killed process would wait for work for ever."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
