"""Records of one family → who is compared, and every figure of theirs under one kind of key."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from medfilip_bench.report.naming import dataset_id, share_words
from medfilip_bench.report.table import LineKind
from medfilip_bench.results import COMMON_ROW, Estimate, Row, RunRecord


@dataclass(frozen=True)
class Found:
    """The figures of one contender at one place.

    Attributes:
        metrics: Metric -> estimate.
        spread: Metric -> standard deviation over seeds.
        n: Images or queries behind them.
    """

    metrics: Mapping[str, Estimate]
    spread: Mapping[str, float]
    n: int


@dataclass
class Flat:
    """Figures by contender, data set and place.

    Attributes:
        kinds: Contender -> what it is, in the order of the lines.
        found: (contender, data set, place) -> figures. A place is a share of the labels, a
            direction, a variant; the empty one is the whole data set.
        datasets: Data sets in the order of the records -> images.
        places: (data set, place) -> what a reader is shown, in order.
    """

    kinds: dict[str, LineKind] = field(default_factory=dict)
    found: dict[tuple[str, str, str], Found] = field(default_factory=dict)
    datasets: dict[str, int] = field(default_factory=dict)
    places: dict[tuple[str, str], str] = field(default_factory=dict)

    def at(self, who: str, dataset: str, place: str) -> Found | None:
        """Return a contender's figures; a baseline of a whole data set holds at every place."""
        found = self.found.get((who, dataset, place))
        if found is None and self.kinds.get(who) == "baseline":
            return self.found.get((who, dataset, ""))
        return found

    def add(self, who: str, kind: LineKind, key: tuple[str, str], found: Found) -> None:
        """Keep figures; the same name and key twice is the same contender beside another model."""
        self.kinds.setdefault(who, kind)
        self.found.setdefault((who, *key), found)

    def place_names(self, dataset: str) -> dict[str, str]:
        """Return the places of a data set -> what a reader is shown."""
        return {place: name for (data, place), name in self.places.items() if data == dataset}


def flatten(records: Sequence[RunRecord]) -> Flat:
    """Take records of one family apart.

    Args:
        records: Of one family, all of phantoms or all of real images.
    """
    flat = Flat()
    for record in records:
        dataset = dataset_id(record)
        flat.datasets.setdefault(dataset, record.data.n)
        if record.metrics and record.family != "ablation":
            column = next((row for row in record.rows if row.id == COMMON_ROW), None)
            found = Found(column.metrics if column else record.metrics, {}, record.data.n)
            flat.add(record.model.name, "model", (dataset, ""), found)
        for row in record.rows:
            if row.kind == "baseline":
                _baseline(flat, row, dataset)
            elif row.kind not in ("class", "step") and row.id != COMMON_ROW:
                _placed(flat, row, record, dataset)
            elif row.kind == "step":
                data = row.of or dataset
                flat.datasets.setdefault(data, row.n)
                flat.add(row.name, "model", (data, ""), _found(row))
    return _ordered(flat)


def with_floor(flat: Flat, other: Flat) -> Flat:
    """Return figures with the baselines of the same data sets from another family's.

    Args:
        flat: Figures without baselines of their own.
        other: Figures of the same data sets, with baselines.
    """
    kinds: dict[str, LineKind] = {
        who: kind for who, kind in other.kinds.items() if kind == "baseline"
    }
    found = {
        (who, dataset, place): held
        for (who, dataset, place), held in other.found.items()
        if who in kinds and dataset in flat.datasets
    }
    return Flat(flat.kinds | kinds, flat.found | found, flat.datasets, flat.places)


def baseline_name(row: Row) -> tuple[str, str]:
    """Return what a baseline belongs to and its name: ``i2t:random model`` holds for ``i2t``.

    What stands in brackets is of one data set (``majority (always pneumonia)``) and left out.
    """
    owner, colon, name = row.id.rpartition(":")
    return (owner, name) if colon else ("", row.name.partition(" (")[0])


def _baseline(flat: Flat, row: Row, dataset: str) -> None:
    owner, name = baseline_name(row)
    place = owner if row.share is None else share_words(row.share)
    data = row.of if row.of in flat.datasets else dataset
    flat.add(name, "baseline", (data or dataset, place), _found(row))


def _placed(flat: Flat, row: Row, record: RunRecord, dataset: str) -> None:
    """Keep a row that is a share of the labels of some initialisation, or a variant."""
    if row.share is None:
        flat.places.setdefault((dataset, row.id), row.name)
        flat.add(record.model.name, "model", (dataset, row.id), _found(row))
        return
    words = share_words(row.share)
    flat.places.setdefault((dataset, words), words)
    own = row.of in (None, record.model.name, record.model.spec)
    who = record.model.name if row.of is None else row.of
    known = flat.found.get((who, dataset, words))
    if known is not None and known.metrics != row.metrics:
        who = f"{who} (beside {record.model.name})"
    flat.add(who, "model" if own else "reference", (dataset, words), _found(row))


def _found(row: Row) -> Found:
    return Found(row.metrics, row.spread, row.n)


def _ordered(flat: Flat) -> Flat:
    """Put models first, what they are held against next, baselines last."""
    ranks: Mapping[LineKind, int] = {"model": 0, "reference": 1, "baseline": 2}
    kinds: Iterable[tuple[str, LineKind]] = sorted(
        flat.kinds.items(), key=lambda item: ranks.get(item[1], 1)
    )
    flat.kinds = dict(kinds)
    return flat
