"""The whole benchmark: phantoms → reports → findings → training → tasks → report.

Every step's output is atomic and keyed by what decides it, so a run that was killed anywhere goes
on where it stopped, and a repeated run only reads.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from iki_knowledge import load_knowledge
from medfilip_model import TrainConfig, recipes
from medfilip_model.data import ImageSet, load_folder
from medfilip_model.data.pixels import cache_root
from medfilip_model.progress import Listener, Silent
from pydantic import BaseModel, ConfigDict, Field

from medfilip_bench.errors import BenchError, ResultError, UnknownNameError
from medfilip_bench.features import Encoder
from medfilip_bench.files import hash_of
from medfilip_bench.pretrained import is_complete, train_on_reports
from medfilip_bench.provenance import code_hash, machine, versions
from medfilip_bench.registry import LoadedModel, load
from medfilip_bench.report import Written, write_report
from medfilip_bench.results import ModelInfo, Provenance, RunRecord, Skipped, read_results
from medfilip_bench.scoring import Resampling
from medfilip_bench.sets import Judge, PhantomSets, hash_truth
from medfilip_bench.tasks import TASKS, Task
from medfilip_bench.tasks.task import Bench

Clock = Callable[[], float]


class BenchConfig(BaseModel):
    """What to measure.

    Attributes:
        model: ``run:PATH`` or ``random``; None takes the phantom run and trains it when missing.
        data: A folder of images with a manifest, scored beside the phantoms.
        split: Which of its images are judged: its test split, or all but its validation split.
        out: Results folder.
        n: Images of the largest phantom test set.
        seed: Seed of phantoms, bootstrap and baselines.
        replicates: Bootstrap replicates.
        workers: Processes that draw and decode images. They are spawned: with more than one, a
            script needs ``if __name__ == "__main__":``.
        training: How the phantom run is trained, and where, when there is none.
        command: What the record says was called.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str | None = None
    data: Path | None = None
    split: Judge = "test"
    out: Path = Path("results")
    n: Annotated[int, Field(ge=20)] = 1000
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    replicates: Annotated[int, Field(ge=2)] = 1000
    workers: Annotated[int, Field(ge=1)] = 1
    training: TrainConfig = Field(default_factory=recipes.phantom)
    command: str = "medfilip_bench.run_all"


@dataclass(frozen=True)
class Failure:
    """A task that failed, and why."""

    task: str
    reason: str


@dataclass(frozen=True)
class Finished:
    """What a whole run came to.

    Attributes:
        records: One a task that succeeded, in the order of the report.
        failures: The tasks that did not.
        report: Where the report is.
        skipped: Images of the folder that could not be read.
        encoded: Images that were encoded now, cache hits left out.
    """

    records: tuple[RunRecord, ...]
    failures: tuple[Failure, ...]
    report: Written
    skipped: tuple[Skipped, ...]
    encoded: int


def run_all(config: BenchConfig | None = None, *, listener: Listener | None = None) -> Finished:
    """Measure every task and write the report.

    Args:
        config: What to measure; the defaults do the main job from nothing.
        listener: Hears of progress.

    Returns:
        Records, failures and where the report is.

    Raises:
        BenchError, MedfilipError, IkiError: If the model or the folder cannot be used at all.
    """
    config, listener = config or BenchConfig(), listener or Silent()
    # What can be wrong comes first: it should not cost the time to train.
    config.out.mkdir(parents=True, exist_ok=True)
    bench = prepare(config, listener)
    names = [name for name, task in TASKS.items() if task.phantom or config.data is not None]
    records: list[RunRecord] = []
    failures: list[Failure] = []
    for name in names:
        try:
            records.append(_measure(TASKS[name], bench, config, listener))
        # One task must not take the others down, whatever a model of a stranger raises.
        except Exception as error:
            reason = (
                str(error) if isinstance(error, BenchError) else f"{type(error).__name__}: {error}"
            )
            failures.append(Failure(name, " ".join(reason.split())))
            listener.note(f"task {name!r} failed: {failures[-1].reason}")
    said = [f"{failure.task}: {failure.reason}" for failure in failures]
    written = write_report(read_results(config.out), config.out, said)
    return Finished(
        records=tuple(records),
        failures=tuple(failures),
        report=written,
        skipped=_skipped(bench.folder),
        encoded=bench.encoder.encoded,
    )


def run(
    task: str, config: BenchConfig | None = None, *, listener: Listener | None = None
) -> RunRecord:
    """Measure one task and write its record; the report is left alone.

    Args:
        task: Name of the task.
        config: What to measure.
        listener: Hears of progress.

    Raises:
        UnknownNameError: If no task has this name.
        BenchError, MedfilipError, IkiError: If model or data cannot be used.
    """
    if task not in TASKS:
        raise UnknownNameError("task", task, TASKS)
    config, listener = config or BenchConfig(), listener or Silent()
    return _measure(TASKS[task], prepare(config, listener), config, listener)


def prepare(config: BenchConfig, listener: Listener) -> Bench:
    """Load the folder and the model (training it first, when it is the default and missing)."""
    kb = load_knowledge()
    loaded = _load(config)
    size = loaded.size if loaded else config.training.model.size
    folder = None
    if config.data is not None:
        folder = load_folder(config.data, kb, size=size, workers=config.workers)
        for skipped in folder.skipped:
            listener.note(f"skipped {skipped.file}: {skipped.reason}")
    if loaded is None:
        training = config.training.replace(data__workers=config.workers)
        loaded = load(f"run:{train_on_reports(training, kb, config.out, listener)}")
    cache = cache_root()
    return Bench(
        encoder=Encoder(loaded, cache / "features", listener),
        random=Encoder(load("random"), cache / "features"),
        kb=kb,
        phantoms=PhantomSets(
            n=config.n,
            seed=config.seed,
            size=loaded.size,
            listener=listener,
            workers=config.workers,
        ),
        folder=folder,
        judge=config.split,
        resampling=Resampling(config.replicates, config.seed),
    )


def _load(config: BenchConfig) -> LoadedModel | None:
    """Load the model that was named, or the phantom run if it is complete."""
    if config.model is not None:
        return load(config.model)
    if is_complete(config.training.out):
        return load(f"run:{config.training.out}")
    return None


def _measure(task: Task, bench: Bench, config: BenchConfig, listener: Listener) -> RunRecord:
    """Return a task's record: the one on disk if nothing that decides it has changed."""
    model = bench.encoder.loaded
    path = config.out / model.name / f"{task.name}.json"
    key = _key(task, bench, config)
    before = _before(path, listener)
    if before is not None and before.key == key:
        listener.note(f"task {task.name}: unchanged, read from {path}")
        return before
    listener.note(f"task {task.name}")
    start = time.perf_counter()
    outcome = task.run(bench)
    record = RunRecord(
        task=task.name,
        title=task.title,
        about=task.about,
        key=key,
        phantom=task.phantom,
        model=_model(model),
        data=outcome.data,
        metrics=outcome.metrics,
        rows=outcome.rows,
        series=outcome.series,
        notes=outcome.notes,
        provenance=Provenance(
            command=config.command,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            duration_s=round(time.perf_counter() - start, 3),
            seed=config.seed,
            replicates=config.replicates,
            versions=versions(bench.kb.version),
            machine=machine(),
        ),
    )
    record.write(path)
    return record


def _before(path: Path, listener: Listener) -> RunRecord | None:
    """Return the record on disk; one that cannot be read is measured again."""
    if not path.is_file():
        return None
    try:
        return RunRecord.read(path)
    except ResultError as error:
        listener.note(f"measuring again: {error}")
        return None


def _key(task: Task, bench: Bench, config: BenchConfig) -> str:
    """Hash everything that decides a task's figures."""
    model = bench.encoder.loaded
    data = (
        bench.phantoms.identity()
        if task.phantom
        else hash_of([hash_truth(bench.folder), bench.judge])
        if bench.folder is not None
        else ""
    )
    asked = [model.spec, model.sha256, model.template, model.normal]
    decided = [task.name, task.version, asked, data, bench.kb.version, code_hash()]
    return hash_of([*decided, config.seed, config.replicates])


def _model(model: LoadedModel) -> ModelInfo:
    return ModelInfo(
        name=model.name, spec=model.spec, sha256=model.sha256, trained_on=model.trained_on
    )


def _skipped(folder: ImageSet | None) -> tuple[Skipped, ...]:
    files = () if folder is None else folder.skipped
    return tuple(Skipped(file=entry.file, reason=entry.reason) for entry in files)
