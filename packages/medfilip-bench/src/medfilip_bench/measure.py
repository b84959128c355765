"""One job → its record: the one on disk if nothing that decides it has changed."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from medfilip_model.data.samples import SPLITS, Split
from medfilip_model.errors import MedfilipError

from medfilip_bench.config import BenchConfig
from medfilip_bench.datasets import find
from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.datasets.leakage import shared_images, warnings
from medfilip_bench.datasets.reader import ReadOptions
from medfilip_bench.datasets.twin import draw_now, twin
from medfilip_bench.distributed import encode_together
from medfilip_bench.errors import BenchError, NotApplicableError, ResultError
from medfilip_bench.files import hash_of
from medfilip_bench.plan import Found, Job
from medfilip_bench.provenance import code_hash, machine, versions
from medfilip_bench.results import ModelInfo, Provenance, RunRecord
from medfilip_bench.tasks import Bench
from medfilip_bench.tasks.judged import all_but_valid

# What fits nothing, so that all images of a data set may be judged.
_FITS_NOTHING = ("zero_shot", "unseen", "prompts", "subgroups", "case_study", "retrieval")


class Measurer:
    """Measures jobs with one model; reads each data set once.

    Attributes:
        bench: What tasks are given.
        config: What to measure.
    """

    def __init__(self, bench: Bench, config: BenchConfig, planned: Sequence[Job]) -> None:
        """Take what tasks are given, and all jobs: their data sets are compared."""
        self.bench, self.config = bench, config
        self._planned = planned
        self._warned: dict[Path, tuple[str, ...]] = {}
        self._read: dict[tuple[object, ...], LabelledSet] = {}

    def encode(self, job: Job) -> None:
        """Encode what a job needs, together with other processes."""
        if job.task.needs not in self.bench.encoder.loaded.abilities:
            return
        data = self._data(job)
        splits: tuple[Split, ...] = tuple(s for s in job.task.splits if data.rows(s))
        encode_together(self.bench.encoder, data, splits)

    def measure(self, job: Job) -> RunRecord:
        """Return a job's record, measured now or kept from before.

        Raises:
            NotApplicableError: If the model cannot do what the task asks.
            BenchError: If data or model cannot be used.
        """
        bench, model, task = self.bench, self.bench.encoder.loaded, job.task
        if task.needs not in model.abilities:
            raise NotApplicableError(
                f"the model {model.spec!r} has no {_LACKS[task.needs]}, which this task asks"
            )
        path = self.config.out / model.name / f"{job.name}.json"
        data = None if job.found is None else self._data(job)
        key = self._key(job, data)
        before = self._before(path) if self.config.resume else None
        warned = () if job.found is None else self._warnings(job.found)
        if before is not None and before.key == key:
            bench.listener.note(f"{job.name}: unchanged, read from {path}")
            if before.warnings != warned:
                before = before.model_copy(update={"warnings": warned})
                before.write(path)
            return before
        data = data or self._data(job)
        draw_now(data, task.splits, bench.pool)
        start = time.perf_counter()
        outcome = task.run(bench, data)
        spent = time.perf_counter() - start
        record = RunRecord(
            task=job.name,
            family=task.family,
            title=task.title,
            about=task.about,
            key=key,
            phantom=data.phantom,
            model=ModelInfo(
                name=model.name, spec=model.spec, sha256=model.sha256, trained_on=model.trained_on
            ),
            data=outcome.data,
            metrics=outcome.metrics,
            rows=outcome.rows,
            series=outcome.series,
            notes=outcome.notes,
            warnings=warned,
            provenance=Provenance(
                command=self.config.command,
                created=datetime.now(UTC).isoformat(timespec="seconds"),
                duration_s=round(spent, 3),
                seed=self.config.seed,
                replicates=self.config.replicates,
                profile=bench.profile.name,
                versions=versions(bench.kb.version),
                machine=machine(),
            ),
        )
        if outcome.predictions is not None:
            outcome.predictions.write(path.with_suffix(".npz"))
        record.write(path)
        return record

    def _data(self, job: Job) -> LabelledSet:
        """Return a job's data set, read once for all tasks that ask alike."""
        task = job.task
        if job.found is None:
            key = ("phantom", task.dataset, task.masks)
            if key not in self._read:
                self._read[key] = twin(
                    task.dataset, self.bench.pool, self.bench.kb, masks=task.masks
                )
            return self._read[key]
        everything = self.config.split == "all" and task.family in _FITS_NOTHING
        splits = SPLITS if everything else task.splits
        read = self._read_set(job.found, splits, masks=task.masks)
        return all_but_valid(read) if everything else read

    def _read_set(
        self, found: Found, splits: tuple[Split, ...], *, masks: bool = False, whole: bool = False
    ) -> LabelledSet:
        limit = None if whole else self.config.limit
        key = (str(found.folder), found.reader.card.id, splits, masks, limit)
        if key not in self._read:
            options = ReadOptions(
                kb=self.bench.kb,
                size=self.bench.encoder.loaded.size,
                splits=splits,
                limit=limit,
                seed=self.config.seed,
                workers=self.config.workers,
                masks=masks,
                listener=self.bench.listener,
            )
            self._read[key] = found.reader.read(found.folder, options)
        return self._read[key]

    def _warnings(self, found: Found) -> tuple[str, ...]:
        """Say what a real set shares: among its splits, with the model's training, with others.

        The splits that the planned tasks read are looked at, no others.
        """
        if found.folder not in self._warned:
            data = self._read_set(found, self._splits(found))
            told = list(warnings(data, self._seen()))
            for other in self._others(found):
                told += shared_images(data, other)
            self._warned[found.folder] = tuple(dict.fromkeys(told))
        return self._warned[found.folder]

    def _splits(self, found: Found) -> tuple[Split, ...]:
        tasks = [job.task for job in self._planned if job.found == found]
        return tuple(split for split in SPLITS if any(split in task.splits for task in tasks))

    def _seen(self) -> list[LabelledSet]:
        """Read what the model was trained on, where it is at hand."""
        folders = [Path(folder) for folder in self.bench.encoder.loaded.saw]
        found = [Found(*one) for folder in folders if folder.is_dir() for one in find(folder)]
        return [self._read_set(one, SPLITS, whole=True) for one in found]

    def _others(self, found: Found) -> list[LabelledSet]:
        """Read the other data sets of this run; one that cannot be read fails by its own tasks."""
        others = {job.found.folder: job.found for job in self._planned if job.found}
        read: list[LabelledSet] = []
        for other in others.values():
            if other.folder != found.folder:
                try:
                    read.append(self._read_set(other, self._splits(other)))
                except (BenchError, MedfilipError) as error:
                    self.bench.listener.note(f"not compared with {other.folder.name}: {error}")
        return read

    def _key(self, job: Job, data: LabelledSet | None) -> str:
        """Hash everything that decides a job's figures."""
        bench, task, model = self.bench, job.task, self.bench.encoder.loaded
        asked = [model.spec, model.sha256, model.template, model.normal]
        judged = [self.config.split, self.config.pictures]
        of = [bench.pool.identity(), task.dataset] if data is None else [data.key, judged]
        spent: Mapping[str, object] = {}
        if task.spends:
            spent = bench.profile.model_dump(mode="json") | {
                "references": {spec: e.loaded.sha256 for spec, e in bench.references.items()},
                "training": bench.training.model_dump(mode="json"),
            }
        decided = [job.name, task.version, asked, of, spent, bench.kb.version, code_hash()]
        return hash_of([*decided, self.config.seed, self.config.replicates])

    def _before(self, path: Path) -> RunRecord | None:
        """Return the record on disk; one that cannot be read is measured again."""
        if not path.is_file():
            return None
        try:
            return RunRecord.read(path)
        except ResultError as error:
            self.bench.listener.note(f"measuring again: {error}")
            return None


_LACKS = {"texts": "text encoder", "backbone": "trainable backbone", "images": "image encoder"}
