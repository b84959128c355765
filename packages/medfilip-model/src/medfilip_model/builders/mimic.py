"""A MIMIC-CXR-JPG tree and findings → the sets of the paper."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from iki_knowledge import Finding, KnowledgeBase

from medfilip_model.builders.items import Item, file_state
from medfilip_model.builders.join import join
from medfilip_model.builders.mimic_tables import (
    Labeller,
    MimicImage,
    read_images,
    read_labels,
    study_number,
)
from medfilip_model.builders.options import BuildOptions
from medfilip_model.builders.origins import FileOrigin
from medfilip_model.builders.result import BuiltSet, Draft, build
from medfilip_model.builders.subsets import MimicChoice, Subset, draw_subset
from medfilip_model.data.samples import Sample
from medfilip_model.errors import DataError
from medfilip_model.progress import Listener, Silent


@dataclass(frozen=True)
class MimicTree:
    """A tree that was read: its images of the wanted views, with findings, no pixels.

    Attributes:
        root: The tree's top.
        items: Images that are on disk.
        unmatched: What has no partner: name -> ids.
        other_views: Images that were left out for their view.
    """

    root: Path
    items: tuple[Item, ...]
    unmatched: Mapping[str, tuple[str, ...]]
    other_views: int


def build_mimic(
    root: Path,
    findings: Mapping[str, tuple[Finding, ...]] | Labeller,
    out: Path,
    kb: KnowledgeBase,
    *,
    subset: Subset = "train",
    choice: MimicChoice | None = None,
    reports: Path | None = None,
    options: BuildOptions | None = None,
    listener: Listener | None = None,
) -> BuiltSet:
    """Prepare one set from a MIMIC-CXR-JPG tree: `read_mimic`, then `build_subset`.

    Args:
        root: Holds ``files/`` and ``mimic-cxr-2.0.0-{metadata,split}.csv`` (or ``.csv.gz``).
        findings: From `medfilip_model.data.read_findings`, by study ("s50414267" or "50414267");
            or the table to take labels from.
        out: Folder to write.
        kb: Dictionary.
        subset: Which set, see `medfilip_model.builders.subsets.draw_subset`.
        choice: Views, thresholds and counts.
        reports: Tree of reports (``files/p10/p10000032/s50414267.txt``); None keeps none.
        options: How images are stored.
        listener: Hears what was left out and how far it is.

    Returns:
        What was written.

    Raises:
        DataError: For tables, ids and patients, and see `medfilip_model.builders.result.build`.
    """
    choice, listener = choice or MimicChoice(), listener or Silent()
    tree = read_mimic(root, findings, kb, choice=choice, listener=listener)
    return build_subset(
        tree, subset, out, kb, choice=choice, reports=reports, options=options, listener=listener
    )


def read_mimic(
    root: Path,
    findings: Mapping[str, tuple[Finding, ...]] | Labeller,
    kb: KnowledgeBase,
    *,
    choice: MimicChoice,
    listener: Listener,
) -> MimicTree:
    """Read the tables of a tree and join the findings; see `build_mimic`."""
    images, without_split = read_images(root)
    wanted = [image for image in images if not choice.views or image.view in choice.views]
    if not wanted:
        seen = sorted({image.view or "none" for image in images})
        raise DataError(
            f"{str(root)!r} has no image of view {' or '.join(choice.views)}; "
            f"it has {', '.join(seen)}"
        )
    states = {image.dicom_id: file_state(root, image.file) for image in wanted}
    here = [image for image in wanted if states[image.dicom_id] != "missing"]
    if not here:
        raise DataError(
            f"not one of {len(wanted)} images of the metadata is on disk; the first would be "
            f"{str(root / wanted[0].file)!r}"
        )
    if isinstance(findings, str):
        findings = read_labels(root, findings, kb)
    else:
        _tell_form(findings, listener)
    joined = join([image.study for image in here], findings, name=study_number, what="studies")
    items = [
        _item(image, found, states[image.dicom_id])
        for image, found in zip(here, joined.findings, strict=True)
    ]
    absent = tuple(image.dicom_id for image in wanted if states[image.dicom_id] == "missing")
    # A report of a study that has other views alone has its images, if not here.
    elsewhere = {study_number(image.study) for image in images}
    unmatched = {
        **joined.unmatched,
        "reports without studies": tuple(
            name
            for name in joined.unmatched["reports without studies"]
            if study_number(name) not in elsewhere
        ),
        "images without file": absent,
        "images without split": without_split,
    }
    return MimicTree(root, tuple(items), unmatched, len(images) - len(wanted))


def build_subset(
    tree: MimicTree,
    subset: Subset,
    out: Path,
    kb: KnowledgeBase,
    *,
    choice: MimicChoice,
    reports: Path | None = None,
    options: BuildOptions | None = None,
    listener: Listener | None = None,
) -> BuiltSet:
    """Prepare one set from a tree that was read; see `build_mimic`."""
    drawn = draw_subset(tree.items, subset, choice, kb)
    items, unmatched = drawn.items, dict(tree.unmatched)
    if reports is not None:
        items, silent = _with_reports(items, reports)
        unmatched["studies without report text"] = silent
    draft = Draft(
        name=f"mimic-{subset}",
        source={"kind": "mimic-cxr", "root": str(tree.root)},
        items=items,
        origin=FileOrigin(tree.root),
        knowledge=kb.version,
        unmatched=unmatched,
        labels=drawn.labels,
        classes=drawn.classes,
        choices={"subset": subset, "mimic": choice.model_dump(mode="json")},
    )
    return build(draft, out, options or BuildOptions(), listener or Silent())


def _item(image: MimicImage, found: tuple[Finding, ...] | None, state: str) -> Item:
    sample = Sample(
        id=image.dicom_id,
        patient_id=image.subject,
        split=image.split,
        findings=found,
        view=image.view,
        study_id=image.study,
    )
    return Item(sample, image.file, state)


def _tell_form(findings: Mapping[str, object], listener: Listener) -> None:
    marked = sum(name.strip().startswith("s") for name in findings)
    form = {len(findings): "like 's50414267'", 0: "like '50414267'"}.get(
        marked, f"mixed: {marked} of {len(findings)} like 's50414267', the rest like '50414267'"
    )
    listener.note(f"report ids of the findings file are {form}")


def _with_reports(
    items: tuple[Item, ...], reports: Path
) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """The items with their report texts, and the studies that have none."""
    files = {item.sample.study_id: _report_file(item.place) for item in items}
    texts = {study: _report(reports, file) for study, file in files.items()}
    silent = tuple(str(study) for study, text in texts.items() if text is None)
    if len(silent) == len(texts):
        raise DataError(
            f"{str(reports)!r} has no report of the {len(silent)} studies; the first would be "
            f"{next(iter(files.values()))!r}"
        )
    told = tuple(
        replace(item, sample=replace(item.sample, report=texts[item.sample.study_id]))
        for item in items
    )
    return told, silent


def _report_file(place: str | int) -> str:
    """``files/p10/p10000032/s50414267.txt`` for an image in the folder of that study."""
    return f"{Path(str(place)).parent.as_posix()}.txt"


def _report(reports: Path, file: str) -> str | None:
    for path in (reports / file, reports / file.removeprefix("files/")):
        try:
            return path.read_text(encoding="utf-8", errors="replace").strip() or None
        except FileNotFoundError:
            continue
    return None
