"""RunRecord: one task on one data set by one model, with all that is needed to trust it."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, model_validator

from medfilip_bench.errors import ResultError
from medfilip_bench.files import write_atomic
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.series import Frozen, Series
from medfilip_bench.stats import Interval

RowKind = Literal[
    "class", "variant", "direction", "share", "step", "subgroup", "reference", "baseline"
]
Family = Literal[
    "extraction",
    "zero_shot",
    "unseen",
    "probe",
    "fine_tune",
    "segmentation",
    "retrieval",
    "grounding",
    "ablation",
    "case_study",
    "prompts",
    "subgroups",
    "report_consistency",
]
SCHEMA = 2
# Row of the macro over the classes of the paper's column, where the set has others too.
COMMON_ROW = "common"


class Estimate(Frozen):
    """A metric with its 95 % interval; null with a reason where undefined.

    Attributes:
        value: Point estimate.
        low: Lower end of the interval.
        high: Upper end of the interval.
        reason: Why the value, or only its interval, is null.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str | None = None

    @model_validator(mode="after")
    def _null_has_a_reason(self) -> "Estimate":
        if self.value is None and not self.reason:
            raise ValueError("a null value needs its reason")
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has both ends or none")
        return self

    @classmethod
    def of(cls, measure: Measure, interval: Interval | None = None) -> "Estimate":
        """Join a point estimate with its interval."""
        if measure.value is None:
            return cls(value=None, reason=measure.reason)
        if interval is None:
            return cls(value=measure.value)
        reason = f"no interval: {interval.reason}" if interval.reason else None
        return cls(value=measure.value, low=interval.low, high=interval.high, reason=reason)


class Row(Frozen):
    """One line of a task's table: a class, a prompt variant, a direction or a baseline.

    Attributes:
        id: Stable id (category id, variant, direction, baseline).
        name: What a reader is shown.
        kind: What the line stands for.
        positives: Positives among the test images; None where the idea does not apply.
        n: Test images or queries behind the line.
        metrics: Metric name -> estimate; ``@paper`` and ``@held-out`` name the threshold protocol.
        thresholds: Protocol -> the threshold used.
        text: The prompt the model was given, if any.
        of: What the line belongs to where several share a table: the initialisation of a probe,
            the class of a subgroup, the data set of an ablation's column.
        share: Share of the training labels, of a probe and its kind.
        seeds: Seeds that the figures are means over.
        spread: Metric -> standard deviation over those seeds; empty for one seed.
    """

    id: str
    name: str
    kind: RowKind
    positives: int | None = None
    n: int
    metrics: Mapping[str, Estimate]
    thresholds: Mapping[str, Estimate] = Field(default_factory=dict)
    text: str | None = None
    of: str | None = None
    share: float | None = None
    seeds: int = 1
    spread: Mapping[str, float] = Field(default_factory=dict)


class Skipped(Frozen):
    """An input that could not be used, by name, with the reason."""

    file: str
    reason: str


class DataInfo(Frozen):
    """The images or reports that were scored.

    Attributes:
        name: Name of the data set.
        phantom: Whether they are procedural phantoms.
        sha256: Hash over ids, labels and pixels' source.
        n: Images (or reports) scored.
        patients: Distinct patients among them.
        split: Which split was scored, and where held-out thresholds came from.
        threshold_n: Images of the threshold split; 0 where none is used.
        skipped: Inputs that could not be read.
        id: Id of the data set's card; None for data that have none.
        licence: Its licence.
        citation: What to cite.
    """

    name: str
    phantom: bool
    sha256: str
    n: int
    patients: int
    split: str
    threshold_n: int = 0
    skipped: tuple[Skipped, ...] = ()
    id: str | None = None
    licence: str | None = None
    citation: str | None = None


class ModelInfo(Frozen):
    """The model that was scored.

    Attributes:
        name: Folder name of its results.
        spec: What `--model` was given.
        sha256: Hash of its weights.
        trained_on: What it was trained on, in words.
    """

    name: str
    spec: str
    sha256: str
    trained_on: str


class Provenance(Frozen):
    """Where a result comes from.

    Attributes:
        command: The command or call that made it.
        created: Time it was written, ISO 8601, UTC.
        duration_s: Seconds that the task took, encoding included.
        seed: Seed of phantoms, bootstrap and random baselines.
        replicates: Bootstrap replicates.
        profile: Name of the profile: ``quick`` or ``full``.
        versions: Package -> version, dictionary version included.
        machine: Processor, cores, device, system.
    """

    command: str
    created: str
    duration_s: float
    seed: int
    replicates: int
    profile: str
    versions: Mapping[str, str]
    machine: Mapping[str, str]


class RunRecord(Frozen):
    """One task's result.

    Attributes:
        format: Version of this layout.
        task: Task name: family and data, such as ``zero_shot-rsna`` or ``zero_shot-rsna-phantom``.
        family: What kind of question it asks.
        title: What a reader is shown.
        about: What is asked of the model, in a sentence or two.
        key: Hash of everything that changes the result.
        phantom: Whether the data are phantoms; then so is the result.
        model: What was scored.
        data: What it was scored on.
        metrics: The headline figures: macro or overall.
        rows: Classes, variants, directions and baselines.
        series: What the figures draw.
        notes: What a reader must know to read the figures rightly.
        warnings: What may make the figures wrong: shared patients, near-duplicate images.
        provenance: Versions, seed, machine, command, duration.
    """

    format: Literal[2] = SCHEMA
    task: str
    family: Family
    title: str
    about: str
    key: str
    phantom: bool
    model: ModelInfo
    data: DataInfo
    metrics: Mapping[str, Estimate]
    rows: tuple[Row, ...]
    series: Series = Series()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    provenance: Provenance

    def of_kind(self, kind: RowKind) -> tuple[Row, ...]:
        """Return the rows of one kind, in order."""
        return tuple(row for row in self.rows if row.kind == kind)

    def write(self, path: Path) -> None:
        """Write the record as JSON, atomically."""
        write_atomic(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "RunRecord":
        """Read a record.

        Raises:
            ResultError: If the file is missing or holds no run record.
        """
        try:
            return cls.model_validate_json(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ResultError(f"cannot read the result {str(path)!r}: {error.strerror}") from error
        except (ValidationError, UnicodeDecodeError) as error:
            first = str(error).splitlines()[0]
            raise ResultError(
                f"{str(path)!r} is not a run record ({first}); delete it and run the task again"
            ) from error


def read_results(folder: Path) -> list[RunRecord]:
    """Read every ``<model>/<task>.json`` of a results folder, in a fixed order.

    Args:
        folder: The results folder.

    Raises:
        ResultError: If the folder is missing, empty, or holds a broken record.
    """
    if not folder.is_dir():
        raise ResultError(f"no results folder {str(folder)!r}; run `medfilip-bench all` first")
    records = [RunRecord.read(path) for path in sorted(folder.glob("*/*.json"))]
    if not records:
        raise ResultError(
            f"{str(folder)!r} holds no <model>/<task>.json; run `medfilip-bench all` first"
        )
    return records


def to_json(records: Sequence[RunRecord]) -> str:
    """Return records as one JSON list without the figures' series."""
    rows = [record.model_dump(mode="json", exclude={"series"}) for record in records]
    return json.dumps(rows, indent=1)
