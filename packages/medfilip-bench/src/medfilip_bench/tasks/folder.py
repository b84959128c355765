"""Zero-shot on a folder of images with a manifest: real labels, the same code as on phantoms."""

from medfilip_model.data import ImageSet

from medfilip_bench.errors import DataError
from medfilip_bench.sets import describe, split_rows, subset
from medfilip_bench.tasks.multilabel import multi_label
from medfilip_bench.tasks.task import Bench, Outcome, Task

# The crosswalk whose names a folder's labels are read by first.
CROSSWALK = "chestxray14"


def run(bench: Bench) -> Outcome:
    """Score every class that the crosswalk or the manifest names."""
    if bench.folder is None:
        raise DataError("the task 'folder' needs a folder of images; name one with --data")
    rows = split_rows(bench.folder, bench.judge)
    test = subset(bench.folder, rows.test)
    valid = subset(bench.folder, rows.valid) if rows.valid else None
    return multi_label(
        bench,
        test,
        valid,
        folder_classes(bench),
        describe(test, valid, phantom=False, split=rows.words, skipped=bench.folder.skipped),
        (
            f"The model was trained on {bench.encoder.loaded.trained_on}. "
            + (
                "If those are of this folder, only its own test split is a test."
                if bench.encoder.loaded.saw_images
                else "It saw no real image."
            ),
            "Labels of such data sets are often read from reports by a program; they carry its "
            "errors.",
        ),
    )


def folder_classes(bench: Bench) -> dict[str, str]:
    """Return the classes: all of the crosswalk, then any other that the manifest names."""
    classes = bench.kb.classes(CROSSWALK)
    folder: ImageSet | None = bench.folder
    named = {f.category for s in (folder.samples if folder else ()) for f in s.findings or ()}
    others = sorted(named - set(classes.values()))
    return classes | {bench.kb[category].name: category for category in others}


TASK = Task(
    name="folder",
    title="Zero-shot on a folder of images",
    about="The multi-label task on the labels of the folder's manifest: real images, scored by the "
    "same code and protocols as the phantoms.",
    phantom=False,
    run=run,
)
