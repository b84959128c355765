"""The whole benchmark: phantoms → reports → findings → training → tasks → report.

Every step's output is atomic and keyed by what decides it, so a run that was killed anywhere goes
on where it stopped, and a repeated run only reads.
"""

from dataclasses import dataclass

from medfilip_model.progress import Listener, Silent

from medfilip_bench.config import BenchConfig
from medfilip_bench.datasets import READERS
from medfilip_bench.distributed import alone, first
from medfilip_bench.errors import BenchError, NotApplicableError, UnknownNameError
from medfilip_bench.measure import Measurer
from medfilip_bench.plan import Found, Job, jobs
from medfilip_bench.report import Written, write_report
from medfilip_bench.results import RunRecord, Skipped, read_results
from medfilip_bench.setup import find_data, prepare
from medfilip_bench.tasks.catalogue import catalogue


@dataclass(frozen=True)
class Failure:
    """A task without a result, and why."""

    task: str
    reason: str


@dataclass(frozen=True)
class Finished:
    """What a whole run came to.

    Attributes:
        records: One a task that succeeded, in the order of the report.
        failures: The tasks that did not.
        passed_over: Tasks that the model or the data set cannot have; no failures.
        report: Where the report is.
        skipped: Images that could not be read.
        encoded: Images that were encoded now, cache hits left out.
        needed: Different images that tasks asked for.
    """

    records: tuple[RunRecord, ...]
    failures: tuple[Failure, ...]
    passed_over: tuple[Failure, ...]
    report: Written | None
    skipped: tuple[Skipped, ...]
    encoded: int
    needed: int


def run_all(config: BenchConfig | None = None, *, listener: Listener | None = None) -> Finished:
    """Measure every task and write the report.

    Args:
        config: What to measure; the defaults do the main job from nothing.
        listener: Hears of progress.

    Returns:
        Records, failures and where the report is.

    Raises:
        BenchError, MedfilipError, IkiError: If the model or the data root cannot be used at all.
    """
    config, listener = config or BenchConfig(), listener or Silent()
    # What can be wrong comes first: it should not cost the time to train.
    planned = _planned(config)
    config.out.mkdir(parents=True, exist_ok=True)
    bench = prepare(config, listener)
    measurer = Measurer(bench, config, planned)
    if not alone():
        for job in planned:
            measurer.encode(job)
        if not first():
            return Finished((), (), (), None, (), bench.encoder.encoded, bench.encoder.needed)
    records: list[RunRecord] = []
    failures: list[Failure] = []
    passed_over: list[Failure] = []
    for number, job in enumerate(planned):
        listener.note(f"[{number + 1}/{len(planned)}] {job.name}")
        try:
            records.append(measurer.measure(job))
        except NotApplicableError as error:
            passed_over.append(Failure(job.name, str(error)))
        # One task must not take the others down, whatever a model of a stranger raises.
        except Exception as error:
            failures.append(Failure(job.name, _reason(error)))
            listener.note(f"task {job.name!r} failed: {failures[-1].reason}")
    said = [f"{failure.task}: {failure.reason}" for failure in failures]
    over = [f"{task.task}: {task.reason}" for task in passed_over]
    everything = read_results(config.out) if any(config.out.glob("*/*.json")) else []
    return Finished(
        records=tuple(records),
        failures=tuple(failures),
        passed_over=tuple(passed_over),
        report=write_report(everything, config.out, said, passed_over=over) if everything else None,
        skipped=_skipped(records),
        encoded=bench.encoder.encoded,
        needed=bench.encoder.needed,
    )


def run(
    task: str, config: BenchConfig | None = None, *, listener: Listener | None = None
) -> RunRecord:
    """Measure one task and write its record; the report is left alone.

    Args:
        task: Name of the task, such as ``zero_shot-rsna-phantom``.
        config: What to measure.
        listener: Hears of progress.

    Raises:
        UnknownNameError: If no task that has data has this name.
        BenchError, MedfilipError, IkiError: If model or data cannot be used.
    """
    config, listener = config or BenchConfig(), listener or Silent()
    every = _planned(config.model_copy(update={"tasks": ()}))
    job = next((job for job in every if job.name == task), None)
    if job is None:
        raise UnknownNameError("task", task, [job.name for job in every])
    return Measurer(prepare(config, listener), config, every).measure(job)


def _planned(config: BenchConfig) -> list[Job]:
    found: list[Found] = find_data(config.data)
    own = [one.reader.card for one in found if one.reader.card.id not in READERS]
    return jobs(catalogue(own), found, config.tasks, phantoms=config.phantoms)


def _reason(error: Exception) -> str:
    said = str(error) if isinstance(error, BenchError) else f"{type(error).__name__}: {error}"
    return " ".join(said.split())


def _skipped(records: list[RunRecord]) -> tuple[Skipped, ...]:
    found = {entry.file: entry for record in records for entry in record.data.skipped}
    return tuple(found.values())
