"""The same work in several processes, results in the order of the input."""

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.connection import wait
from typing import Any, TypeVar

from gpt_ie.schema import GptIeError

S = TypeVar("S")
T = TypeVar("T")
R = TypeVar("R")

# Large enough that sending costs little, small enough that the last ones keep every process busy.
CHUNK = 32
_AHEAD = 3

# Of a worker process: the function and what it shares, set once by `_start`.
_work: tuple[Callable[[Any, Any], Any], Any] | None = None


class WorkerError(GptIeError):
    """Worker processes cannot be started, or one of them died."""


def map_in_processes(
    function: Callable[[S, T], R],
    shared: S,
    items: Iterable[T],
    *,
    workers: int,
    chunk: int = CHUNK,
) -> Iterator[tuple[T, R]]:
    """Call a function on every item, in processes of their own.

    The processes are spawned, so a script that calls this needs ``if __name__ == "__main__":``. At
    most ``3 * workers * chunk`` items are under way. They end with this process, however it ends.

    Args:
        function: Of a module, so that it can be found by name; called with `shared` and an item.
        shared: Sent to each process once, e.g. an engine.
        items: Read as they are needed. When reading fails, what is under way is yielded first.
        workers: Number of processes.
        chunk: Items sent at a time.

    Yields:
        Each item with its result, in the order of the items.

    Raises:
        WorkerError: When `shared` cannot be sent, or a process dies.
        Exception: Whatever `function` raises.
    """
    try:
        payload = pickle.dumps((function, shared), pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise WorkerError(
            f"the engine of type {type(shared).__name__!r} cannot be sent to other processes "
            f"({type(error).__name__}): run it with one worker"
        ) from error
    pool = ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(payload,),
    )
    try:
        yield from _ordered(pool, iter(items), workers * _AHEAD, chunk)
    except BrokenProcessPool as error:
        raise WorkerError(
            "a worker process died, perhaps for want of memory; what is done is kept: run the same "
            "command again, with fewer workers if this comes back"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _ordered(
    pool: ProcessPoolExecutor, items: Iterator[T], ahead: int, chunk: int
) -> Iterator[tuple[T, Any]]:
    under_way: deque[tuple[list[T], Future[list[Any]]]] = deque()
    failure: Exception | None = None
    open_ended = True
    while open_ended or under_way:
        while open_ended and len(under_way) < ahead:
            batch: list[T] = []
            try:
                # One by one, so that what was read before a failure is done still.
                batch.extend(islice(items, chunk))
            except Exception as error:
                failure = error
            open_ended = failure is None and len(batch) == chunk
            if batch:
                under_way.append((batch, pool.submit(_run, batch)))
        if under_way:
            batch, future = under_way.popleft()
            yield from zip(batch, future.result(), strict=True)
    if failure is not None:
        raise failure


def _start(payload: bytes) -> None:
    """Set up a worker process: an interrupt is its parent's to handle, and it ends with it."""
    global _work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    _work = pickle.loads(payload)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def _run(batch: list[Any]) -> list[Any]:
    if _work is None:
        raise WorkerError("the worker process was not set up")
    function, shared = _work
    return [function(shared, item) for item in batch]
