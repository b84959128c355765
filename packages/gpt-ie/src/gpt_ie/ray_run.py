"""The same run on a Ray cluster, with the extra gpt-ie[ray]: same journal, same output bytes."""

import asyncio
import os
import pickle
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, Unpack

from gpt_ie.pipeline import Run, RunOptions, run_with
from gpt_ie.produce import Produced, aproduce, produce
from gpt_ie.schema import Engine, EngineUnavailableError, GptIeError, Rejected, Report
from gpt_ie.summary import ExtractionSummary

# Of one Ray data set, and of one call of a worker; with the results they bound the memory here.
_BLOCK = 8192
_BATCH = 64
_BLOCKS = 8


class RayError(GptIeError):
    """Ray is not installed, or a run on it failed."""


def extract_on_ray(
    reports: Iterable[Report | Rejected],
    engine: Engine,
    out: Path,
    *,
    workers: int = 2,
    concurrency: int = 8,
    **options: Unpack[RunOptions],
) -> ExtractionSummary:
    """`gpt_ie.extract` with the engine in the workers of a Ray cluster.

    Reports are read and results written by this process; a cluster that is up already (``ray.init``
    or RAY_ADDRESS) is used, or else one is begun on this machine.

    Args:
        reports: As in `gpt_ie.extract`.
        engine: As in `gpt_ie.extract`; it must be one that can be pickled.
        out: As in `gpt_ie.extract`.
        workers: Ray actors, each with a copy of the engine.
        concurrency: Reports under way at once in each, for an engine with ``aextract``.
        **options: ``resume``, ``retry_failed`` and ``on_progress``, as in `gpt_ie.extract`.

    Returns:
        The summary, as of `gpt_ie.extract`.

    Raises:
        RayError: When ray is not installed, or a worker fails.
        GptIeError: As `gpt_ie.extract`.
    """
    if "RAY_ADDRESS" not in os.environ:
        # Workers on this machine have its environment; under `uv run` each would build its own.
        os.environ.setdefault("RAY_ENABLE_UV_RUN_RUNTIME_ENV", "0")
    try:
        import ray.data
        from ray.exceptions import RayError as ClusterError
    except ImportError as error:
        raise RayError("ray is not installed: pip install 'gpt-ie[ray]'") from error

    ray.data.DataContext.get_current().execution_options.preserve_order = True

    def drive(run: Run) -> None:
        todo = run.todo()
        while block := list(islice(todo, _BLOCK)):
            # Bytes, for Arrow has no column of our objects.
            rows = [{"report": pickle.dumps(task.report)} for task in block]
            blocks = min(len(rows), _BLOCKS * workers)
            results = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
                _Worker,
                fn_constructor_args=(engine, concurrency),
                batch_size=_BATCH,
                batch_format="numpy",
                compute=ray.data.ActorPoolStrategy(size=workers),
            )
            for task, row in zip(block, results.iter_rows(), strict=True):
                produced: Produced | EngineUnavailableError = pickle.loads(row["produced"])
                if isinstance(produced, EngineUnavailableError):
                    raise produced
                run.settle(task, produced)

    try:
        return run_with(reports, engine, out, drive, **options)
    except ClusterError as error:
        raise RayError(f"a worker of the Ray cluster failed: {type(error).__name__}") from error


class _Worker:
    """An engine in a Ray actor."""

    def __init__(self, engine: Engine, concurrency: int) -> None:
        self._engine = engine
        self._concurrency = concurrency
        # One loop for the actor's life: an engine's connections belong to it.
        self._loop = asyncio.Runner()

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        reports: list[Report] = [pickle.loads(report) for report in batch["report"]]
        if hasattr(self._engine, "aextract"):
            produced = self._loop.run(self._all(reports))
        else:
            produced = [self._one(report) for report in reports]
        return {"produced": [pickle.dumps(result) for result in produced]}

    def _one(self, report: Report) -> Produced | EngineUnavailableError:
        try:
            return produce(self._engine, report)
        except EngineUnavailableError as error:
            return error

    async def _all(self, reports: list[Report]) -> list[Produced | EngineUnavailableError]:
        gate = asyncio.Semaphore(self._concurrency)
        aextract = getattr(self._engine, "aextract")  # noqa: B009 - not of every Engine

        async def one(report: Report) -> Produced | EngineUnavailableError:
            async with gate:
                try:
                    return await aproduce(aextract, report)
                except EngineUnavailableError as error:
                    return error

        return list(await asyncio.gather(*map(one, reports)))
