"""A folder with ``images/`` and ``manifest.csv`` as a prepared data set."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from iki_knowledge import Finding, KnowledgeBase

from medfilip_model.builders.items import Item, file_state
from medfilip_model.builders.join import join
from medfilip_model.builders.options import BuildOptions
from medfilip_model.builders.origins import FileOrigin
from medfilip_model.builders.result import BuiltSet, Draft, build
from medfilip_model.data.folder import read_manifest
from medfilip_model.progress import Listener, Silent


def build_folder(
    folder: Path,
    out: Path,
    kb: KnowledgeBase,
    *,
    findings: Mapping[str, tuple[Finding, ...]] | None = None,
    reports: bool = False,
    options: BuildOptions | None = None,
    listener: Listener | None = None,
) -> BuiltSet:
    """Prepare a manifest folder; its rules are those of `medfilip_model.data.folder.load_folder`.

    Args:
        folder: Holds ``images/`` and ``manifest.csv``.
        out: Folder to write.
        kb: Resolves labels.
        findings: From `medfilip_model.data.read_findings`, by image id; they replace the labels.
        reports: Whether the manifest's column ``report`` is kept.
        options: How images are stored.
        listener: Hears how far it is.

    Returns:
        What was written.

    Raises:
        DataError: For the manifest, for ids that match nothing, and see
            `medfilip_model.builders.result.build`.
    """
    rows = read_manifest(folder, kb, need_labels=findings is None)
    root = folder / "images"
    samples = [row.sample if reports else replace(row.sample, report=None) for row in rows]
    unmatched: Mapping[str, tuple[str, ...]] = {}
    if findings is not None:
        joined = join([sample.id for sample in samples], findings)
        pairs = zip(samples, joined.findings, strict=True)
        samples = [replace(sample, findings=found) for sample, found in pairs]
        unmatched = joined.unmatched
    items = [
        Item(sample, row.file, file_state(root, row.file))
        for sample, row in zip(samples, rows, strict=True)
    ]
    draft = Draft(
        name=folder.resolve().name,
        source={"kind": "folder", "root": str(folder)},
        items=items,
        origin=FileOrigin(root),
        knowledge=kb.version,
        unmatched=unmatched,
    )
    return build(draft, out, options or BuildOptions(), listener or Silent())
