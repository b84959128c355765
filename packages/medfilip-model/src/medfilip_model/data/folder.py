"""A folder with ``images/`` and ``manifest.csv``: the layout of the NIH subsets and of phantoms."""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from iki_knowledge import Finding, KnowledgeBase

from medfilip_model.data.pixels import load_images
from medfilip_model.data.samples import SPLITS, ImageSet, Sample, Split
from medfilip_model.errors import DataError

# Columns that may name the split, first match first: the user's own, the data set's, a copy's.
_SPLIT_COLUMNS = ("split", "official_split", "repo_split")
# None: NIH publishes training and validation as one, to be divided by patient.
_SPLIT_NAMES: Mapping[str, Split | None] = {
    **{name: name for name in SPLITS},
    "val": "valid",
    "validation": "valid",
    "train_val": None,
}
# Shares of the patients that a hash puts into train, valid and test.
_TRAIN, _VALID = 0.70, 0.15
_NORMAL = "No Finding"


@dataclass(frozen=True)
class ManifestImage:
    """One row of a manifest.

    Attributes:
        file: Path in ``images/``.
        sample: What the row says of the image.
    """

    file: str
    sample: Sample


@dataclass(frozen=True)
class _Row:
    line: int
    file: str
    labels: str | None
    patient: str
    split: str | None
    view: str | None
    study: str | None
    report: str | None


def load_folder(
    folder: Path,
    kb: KnowledgeBase,
    *,
    size: int,
    need_labels: bool = True,
    workers: int = 2,
) -> ImageSet:
    """Read a manifest folder; images that cannot be decoded are skipped and listed.

    The manifest needs the column ``file`` (in ``images/``) and, unless findings come from
    elsewhere, ``finding_labels`` (joined by ``|``, ``No Finding`` for none). ``patient_id`` is the
    file stem when missing; ``study_id``, ``view`` and ``report`` may be there. The first of
    ``split``, ``official_split`` and ``repo_split`` says train, valid, test or train_val (divided
    by a hash of the patient); without any, such a hash puts 70 % of the patients into train and
    15 % each into valid and test.

    Args:
        folder: The folder.
        kb: Resolves labels: first as classes of ChestX-ray14, then as surface forms.
        size: Side of the decoded squares in pixels.
        need_labels: Whether ``finding_labels`` must be there.
        workers: Threads that decode.

    Returns:
        The images; findings are None where the manifest has no ``finding_labels``.

    Raises:
        DataError: Naming the file and line: no manifest, a missing column, an unknown label, an id
            twice, a patient in two splits, not one image that can be read.
    """
    manifest = folder / "manifest.csv"
    rows = read_manifest(folder, kb, need_labels=need_labels)
    pixels, skipped = load_images(
        [folder / "images" / row.file for row in rows], size, workers=workers
    )
    if len(skipped) == len(rows):
        first = next(iter(skipped.values()))
        raise DataError(
            f"not one of the {len(rows)} images of {manifest} can be read; "
            f"the first, {first.file!r}: {first.reason}"
        )
    return ImageSet(
        name=folder.resolve().name,
        samples=tuple(row.sample for n, row in enumerate(rows) if n not in skipped),
        pixels=pixels,
        skipped=tuple(skipped.values()),
    )


def read_manifest(
    folder: Path, kb: KnowledgeBase, *, need_labels: bool = True
) -> list[ManifestImage]:
    """Read the rows of a manifest folder without its images; see `load_folder` for the rules.

    Raises:
        DataError: Naming the file and line: no manifest, a missing column, an unknown label.
    """
    manifest = folder / "manifest.csv"
    return [
        ManifestImage(row.file, _sample(row, manifest, kb)) for row in _read(manifest, need_labels)
    ]


def _read(manifest: Path, need_labels: bool) -> list[_Row]:
    try:
        text = manifest.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(
            f"cannot read {str(manifest)!r}: {error.strerror}; a data folder holds manifest.csv "
            "and images/"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{manifest} is not UTF-8 (byte {error.start})") from error
    reader = csv.DictReader(text.splitlines())
    columns = reader.fieldnames or ()
    for column in ("file", "finding_labels") if need_labels else ("file",):
        if column not in columns:
            raise DataError(
                f"{manifest} has no column {column!r}; it has {', '.join(map(repr, columns))}"
            )
    split = next((name for name in _SPLIT_COLUMNS if name in columns), None)
    rows = [_row(reader.line_num, entry, split, manifest) for entry in reader]
    if not rows:
        raise DataError(f"{manifest} has a header and no row")
    return rows


def _row(line: int, entry: Mapping[str, str | None], split: str | None, manifest: Path) -> _Row:
    file = (entry["file"] or "").strip()
    if not file or Path(file).is_absolute() or ".." in Path(file).parts:
        raise DataError(f"{manifest} line {line}: file {file!r} is no path inside images/")
    return _Row(
        line=line,
        file=file,
        labels=entry.get("finding_labels"),
        patient=(entry.get("patient_id") or "").strip() or Path(file).stem,
        split=entry.get(split) if split else None,
        view=(entry.get("view") or "").strip() or None,
        study=(entry.get("study_id") or "").strip() or None,
        report=(entry.get("report") or "").strip() or None,
    )


def _sample(row: _Row, manifest: Path, kb: KnowledgeBase) -> Sample:
    where = f"{manifest} line {row.line}"
    return Sample(
        id=Path(row.file).stem,
        patient_id=row.patient,
        split=_split(row, where),
        findings=None if row.labels is None else _findings(row.labels, where, kb),
        report=row.report,
        view=row.view,
        study_id=row.study,
    )


def _split(row: _Row, where: str) -> Split:
    if row.split is None:
        share = _hash(row.patient)
        return "train" if share < _TRAIN else "valid" if share < _TRAIN + _VALID else "test"
    name = row.split.strip().lower()
    if name not in _SPLIT_NAMES:
        raise DataError(f"{where}: split {row.split!r}; allowed are {', '.join(_SPLIT_NAMES)}")
    known = _SPLIT_NAMES[name]
    if known is not None:
        return known
    return "train" if _hash(row.patient) < _TRAIN / (_TRAIN + _VALID) else "valid"


def _hash(patient: str) -> float:
    """A number in [0, 1) that depends on the patient alone."""
    return int.from_bytes(hashlib.sha256(patient.encode()).digest()[:4], "big") / 2**32


def _findings(labels: str, where: str, kb: KnowledgeBase) -> tuple[Finding, ...]:
    official = kb.classes("chestxray14")
    names = [name.strip() for name in labels.split("|")]
    categories = [
        official.get(name) or _resolve(name, where, official, kb)
        for name in names
        if name != _NORMAL
    ]
    return tuple(Finding(category=category) for category in dict.fromkeys(categories))


def _resolve(name: str, where: str, official: Mapping[str, str], kb: KnowledgeBase) -> str:
    category = name if name in kb else kb.resolve(name)
    if category is None:
        raise DataError(f"{where}: {_unknown(name, [*official, *kb])}")
    return category


def _unknown(name: str, allowed: Sequence[str]) -> str:
    near = get_close_matches(name, allowed, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else "add it by an overlay"
    return f"finding label {name!r} is no class of ChestX-ray14 and no category; {hint}"
