"""What goes into a prepared data set, one image at a time, before any pixel is read."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from medfilip_model.data.samples import Sample, Skipped, Split, check_ids
from medfilip_model.errors import DataError


@dataclass(frozen=True)
class Item:
    """One image, not yet read.

    Attributes:
        sample: What is known of it; its report only where it is to be kept.
        place: Where the images' `Origin` finds it: a relative path, or a number.
        state: What changes when the input changes: size and time of a file, a recipe.
    """

    sample: Sample
    place: str | int
    state: str

    @property
    def row(self) -> dict[str, str | None]:
        """The columns of a shard that do not depend on the pixels."""
        own = self.sample
        found = None if own.findings is None else [f.model_dump() for f in own.findings]
        return {
            "id": own.id,
            "patient_id": own.patient_id,
            "study_id": own.study_id or own.id,
            "view": own.view,
            "split": own.split,
            "findings": None if found is None else json.dumps(found),
            "report": own.report,
        }


def file_state(root: Path, relative: str) -> str:
    """Size and time of a file, which stand in for its content; a missing file has a state too."""
    try:
        stat = (root / relative).stat()
    except OSError:
        return "missing"
    return f"{stat.st_size} {stat.st_mtime_ns}"


def check_items(items: Sequence[Item], source: str, skipped: Iterable[Skipped] = ()) -> None:
    """Refuse a set that could not be trusted.

    Raises:
        DataError: No image at all, an id twice, a patient in two splits (how many, and the first).
    """
    if not items:
        first = next(iter(skipped), None)
        why = f"; the first left out, {first.file!r}: {first.reason}" if first else ""
        raise DataError(f"{source} gives not one image{why}")
    samples = [item.sample for item in items]
    check_ids(samples)
    splits: dict[str, set[Split]] = {}
    for sample in samples:
        splits.setdefault(sample.patient_id, set()).add(sample.split)
    torn = {name: sorted(own) for name, own in splits.items() if len(own) > 1}
    if torn:
        first = next(iter(torn))
        raise DataError(
            f"patient {first!r} has images in {' and '.join(map(repr, torn[first]))} "
            f"({len(torn)} such patients): put all images of a patient into one split"
        )
