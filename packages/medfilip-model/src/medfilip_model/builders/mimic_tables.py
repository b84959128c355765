"""The tables of a MIMIC-CXR-JPG tree, read by column name."""

import csv
import gzip
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from iki_knowledge import Finding, KnowledgeBase

from medfilip_model.data.samples import Split
from medfilip_model.errors import DataError

Labeller = Literal["chexpert", "negbio"]

_SPLITS: Mapping[str, Split] = {"train": "train", "validate": "valid", "test": "test"}
_PRESENCE = {"1": "present", "0": "absent", "-1": "uncertain"}
_NORMAL = "No Finding"


@dataclass(frozen=True)
class MimicImage:
    """One image of the tree.

    Attributes:
        dicom_id: The image's own id.
        subject: Patient, as its folder is called: ``p10000032``.
        study: Study, as its folder is called: ``s50414267``.
        view: ViewPosition; None where the table has none.
        split: Of the official split.
    """

    dicom_id: str
    subject: str
    study: str
    view: str | None
    split: Split

    @property
    def folder(self) -> str:
        """Path of the study below the tree's top."""
        return f"files/{self.subject[:3]}/{self.subject}/{self.study}"

    @property
    def file(self) -> str:
        """Path of the image below the tree's top."""
        return f"{self.folder}/{self.dicom_id}.jpg"


def read_images(root: Path) -> tuple[list[MimicImage], tuple[str, ...]]:
    """Read the metadata and the official split.

    Args:
        root: The tree's top, where the tables lie.

    Returns:
        The images in the order of the metadata, and the ids of those that have no split.

    Raises:
        DataError: A table or a column is missing or damaged.
    """
    splits: dict[str, Split] = {
        row["dicom_id"]: _split(row["split"], root)
        for row in _rows(root, "split", ("dicom_id", "split"))
    }
    images: list[MimicImage] = []
    without: list[str] = []
    columns = ("dicom_id", "subject_id", "study_id", "ViewPosition")
    for row in _rows(root, "metadata", columns):
        name = row["dicom_id"]
        if name not in splits:
            without.append(name)
            continue
        images.append(
            MimicImage(
                dicom_id=name,
                subject=f"p{row['subject_id'].removeprefix('p')}",
                study=f"s{study_number(row['study_id'])}",
                view=row["ViewPosition"].strip().upper() or None,
                split=splits[name],
            )
        )
    if not images:
        raise DataError(f"{str(root)!r}: the metadata and the split have no image in common")
    return images, tuple(without)


def read_labels(
    root: Path, labeller: Labeller, kb: KnowledgeBase
) -> dict[str, tuple[Finding, ...]]:
    """Read the labels that a labeller drew from the reports, as findings without severity.

    1 is present, 0 absent, -1 uncertain, and a blank is not mentioned. A study without any label,
    not even ``No Finding``, is left out: nothing is known of it.

    Args:
        root: The tree's top.
        labeller: Whose table.
        kb: Has the 14 classes.

    Returns:
        Study (``s50414267``) -> findings.

    Raises:
        DataError: The table, or a column, is missing, or a value is none of these.
    """
    classes = kb.classes("chexpert14")
    found: dict[str, tuple[Finding, ...]] = {}
    for row in _rows(root, labeller, ("study_id", _NORMAL, *classes)):
        study = f"s{study_number(row['study_id'])}"
        presence = {name: _presence(row[name], study, name) for name in (_NORMAL, *classes)}
        if any(presence.values()):
            found[study] = tuple(
                Finding.model_validate({"category": category, "presence": presence[name]})
                for name, category in classes.items()
                if presence[name] is not None
            )
    return found


def study_number(name: str) -> str:
    """The number of a study: "s50414267" and "50414267" are the same."""
    return name.strip().removeprefix("s")


def _presence(value: str, study: str, name: str) -> str | None:
    short = value.strip().removesuffix(".0")
    if not short:
        return None
    if short not in _PRESENCE:
        raise DataError(f"study {study!r}: {name} is {value!r}; allowed are 1, 0, -1 and blank")
    return _PRESENCE[short]


def _split(value: str, root: Path) -> Split:
    if value not in _SPLITS:
        raise DataError(
            f"split {value!r} in the split table of {str(root)!r}; allowed are {', '.join(_SPLITS)}"
        )
    return _SPLITS[value]


def _rows(root: Path, table: str, columns: Sequence[str]) -> list[dict[str, str]]:
    path = _find(root, table)
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), restval="")
        for column in columns:
            if column not in (reader.fieldnames or ()):
                has = ", ".join(map(repr, reader.fieldnames or ())) or "no header"
                raise DataError(f"{str(path)!r} has no column {column!r}; it has {has}")
        return [{name: row[name] for name in columns} for row in reader]
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as error:
        raise DataError(f"cannot read {str(path)!r}: {error}") from error


def _find(root: Path, table: str) -> Path:
    found = sorted(
        path for ending in (".csv", ".csv.gz") for path in root.glob(f"mimic-cxr-*-{table}{ending}")
    )
    if not found:
        raise DataError(
            f"{str(root)!r} has no mimic-cxr-2.0.0-{table}.csv or .csv.gz: name the top of a "
            "MIMIC-CXR-JPG tree, where files/ and the tables lie"
        )
    return found[0]
