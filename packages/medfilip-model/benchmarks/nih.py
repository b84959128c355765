"""The NIH sets at hand as one manifest folder, with a split by patient; for the benchmarks here."""

import csv
import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

SETS = ("nih_cxr14_64", "nih_cxr14_320")
# Labels that every fold shall have; as few patients have them, chance alone would not see to it.
STRATA = ("Effusion", "Cardiomegaly")


@dataclass(frozen=True)
class Row:
    """An image of one of the sets."""

    file: str
    image: str
    labels: str
    patient: str
    part: str

    @property
    def source(self) -> str:
        """The set that it is from."""
        return Path(self.file).parts[0]


def read_sets(data: Path, names: Iterable[str] = SETS) -> list[Row]:
    """The images of the sets; one that is in several counts as of the first."""
    rows: dict[str, Row] = {}
    for name in names:
        with (data / name / "manifest.csv").open(newline="", encoding="utf-8") as file:
            for entry in csv.DictReader(file):
                row = Row(
                    file=f"{name}/{entry['file']}",
                    image=entry["image_index"],
                    labels=entry["finding_labels"],
                    patient=entry["patient_id"],
                    part=entry.get("repo_split") or "train",
                )
                rows.setdefault(row.image, row)
    return list(rows.values())


def own_valid(rows: Iterable[Row]) -> set[str]:
    """The patients of the 64-pixel set's own ``valid``.

    Some of their images are in its ``train``: a split by these patients trains on none of them.
    """
    return {row.patient for row in rows if row.part == "valid"}


def folds(rows: Iterable[Row], count: int) -> Mapping[str, int]:
    """Deal the patients of the 64-pixel set into folds, the same in every call.

    Patients who ever have effusion, cardiomegaly, both or neither are dealt in turn, in the order
    of a hash of the patient, to the fold that has fewest of their kind and then fewest in all.

    Args:
        rows: From `read_sets`.
        count: How many folds.

    Returns:
        Patient -> fold.
    """
    shown: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.source == SETS[0]:
            shown[row.patient].update(row.labels.split("|"))
    kinds: defaultdict[tuple[bool, ...], list[str]] = defaultdict(list)
    for patient in sorted(shown, key=_hash):
        kinds[tuple(label in shown[patient] for label in STRATA)].append(patient)
    fold: dict[str, int] = {}
    total = [0] * count
    for kind in sorted(kinds, reverse=True):
        own = [0] * count
        for patient in kinds[kind]:
            number = min(range(count), key=lambda n: (own[n], total[n]))
            fold[patient] = number
            own[number] += 1
            total[number] += 1
    return fold


def split(
    rows: Iterable[Row], held: Collection[str], left_out: Collection[str] = ()
) -> list[tuple[Row, str]]:
    """Give each image its split, ``valid`` for those of held-out patients; others are ``train``.

    Held out are images of the 64-pixel set alone. The 320-pixel set has pneumonia or nothing: its
    positives and negatives would say which set an image is from. So it only adds training images;
    those of held-out patients are dropped.

    Args:
        rows: From `read_sets`.
        held: Patients to hold out.
        left_out: Patients whose images are in neither split.
    """
    return [
        (row, "valid" if row.patient in held else "train")
        for row in rows
        if row.patient not in left_out and (row.patient not in held or row.source == SETS[0])
    ]


def _hash(patient: str) -> bytes:
    """What orders the patients: depends on the patient alone."""
    return hashlib.sha256(f"fold {patient}".encode()).digest()


def write_folder(rows: Iterable[tuple[Row, str]], data: Path, out: Path) -> Path:
    """Write a manifest folder whose images are links to the sets' own folders."""
    (out / "images").mkdir(parents=True, exist_ok=True)
    for name in SETS:
        link = out / "images" / name
        if not link.is_symlink() and (data / name).is_dir():
            link.symlink_to((data / name / "images").resolve(), target_is_directory=True)
    with (out / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "finding_labels", "patient_id", "split"])
        for row, part in rows:
            writer.writerow([row.file, row.labels, row.patient, part])
    return out
