"""Two folders of results → a comparison: the only IO here."""

from collections.abc import Mapping
from pathlib import Path

from medfilip_bench.compare.comparison import Comparison, Refusal, Test
from medfilip_bench.compare.differences import FAIR, tests
from medfilip_bench.compare.pair import Pair, Side, unlike
from medfilip_bench.errors import ResultError
from medfilip_bench.predictions import Predictions
from medfilip_bench.results import RunRecord
from medfilip_bench.scoring import Resampling
from medfilip_bench.stats import holm


def compare(first: Path, second: Path, resampling: Resampling | None = None) -> Comparison:
    """Compare two models on every task that both were measured on.

    Args:
        first: Results folder of one model: ``results/<model>``.
        second: Of the other.
        resampling: Bootstrap settings; 1,000 replicates where None.

    Raises:
        ResultError: If a folder is missing, holds a broken record, or they share no task.
    """
    settings = resampling or Resampling()
    one, other = _records(first), _records(second)
    shared = [task for task in one if task in other]
    if not shared:
        raise ResultError(
            f"{str(first)!r} and {str(second)!r} share no task: {sorted(one)} and {sorted(other)}"
        )
    made: list[Test] = []
    refused: list[Refusal] = []
    for task in shared:
        found = _pair(first, second, one[task], other[task])
        if isinstance(found, Refusal):
            refused.append(found)
        else:
            made.extend(tests(found, settings))
    corrected = holm([test.p for test in made])
    return Comparison(
        first=next(iter(one.values())).model.name,
        second=next(iter(other.values())).model.name,
        tests=tuple(
            test.model_copy(update={"p_holm": p}) for test, p in zip(made, corrected, strict=True)
        ),
        refused=tuple(refused),
        only_first=tuple(task for task in one if task not in other),
        only_second=tuple(task for task in other if task not in one),
        replicates=settings.replicates,
        seed=settings.seed,
    )


def _records(folder: Path) -> dict[str, RunRecord]:
    """Read a model's records, by task."""
    if not folder.is_dir():
        raise ResultError(f"no results folder {str(folder)!r}; give results/<model>")
    records = [RunRecord.read(path) for path in sorted(folder.glob("*.json"))]
    if not records:
        inner = sorted(path.parent.name for path in folder.glob("*/*.json"))
        hint = f"; did you mean {str(folder / inner[0])!r}?" if inner else ""
        raise ResultError(f"{str(folder)!r} holds no <task>.json{hint}")
    return {record.task: record for record in records}


def _pair(first: Path, second: Path, one: RunRecord, other: RunRecord) -> Pair | Refusal:
    """Read the scores of one task, or say why they cannot be compared."""
    places = [folder / f"{one.task}.npz" for folder in (first, second)]
    for place in places:
        if not place.is_file():
            return Refusal(task=one.task, reason=f"{place.parent.name} keeps no scores of images")
    try:
        scores = [Predictions.read(place) for place in places]
    except ResultError as error:
        return Refusal(task=one.task, reason=str(error))
    reason = unlike(*scores)
    if reason:
        return Refusal(task=one.task, reason=reason)
    return Pair(
        task=one.task,
        phantom=one.phantom,
        names={row.id: row.name for row in one.rows},
        first=Side(scores[0], _thresholds(one)),
        second=Side(scores[1], _thresholds(other)),
    )


def _thresholds(record: RunRecord) -> Mapping[str, float]:
    """Return the held-out threshold of each class that has one."""
    found = {row.id: row.thresholds.get(FAIR) for row in record.rows if row.kind != "baseline"}
    return {row: t.value for row, t in found.items() if t is not None and t.value is not None}
