"""Ablation: what each part of the method adds, trained and judged on phantoms."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import get_args

import numpy as np
from medfilip_model.recipes import AblationRow

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.datasets.twin import twin
from medfilip_bench.features import Encoder
from medfilip_bench.learning.ablated import step_config, trained
from medfilip_bench.learning.shares import gained
from medfilip_bench.models.registry import load
from medfilip_bench.results import Estimate, Row
from medfilip_bench.scoring import (
    ClassName,
    SeedTable,
    SingleScores,
    across_seeds,
    score_single,
    seed_table,
)
from medfilip_bench.tasks.judged import describe, judged, scored
from medfilip_bench.tasks.prompting import class_texts
from medfilip_bench.tasks.task import Bench, Outcome, Task

# The columns of the paper's table.
SETS = ("mimic_16", "rsna", "mimic_multi", "chestxray14", "vinbigdata", "mimic_fg")
STEPS: tuple[AblationRow, ...] = get_args(AblationRow)
NAMES: Mapping[AblationRow, str] = {
    "report": "report text",
    "entity": "entity",
    "fine-grained": "+ severity and location",
    "ssm": "+ SSM",
    "iki": "+ IKI",
}
# Where the paper's own table falls from one row to the next.
PAPER_FALLS = (("entity", "rsna"),)
_NORMAL = "normal"
_WORDS = {"auc": "AUC", "f1@paper": "F1", "macro_f1": "macro F1"}
Key = tuple[AblationRow, str]


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Train the rows that are missing, and score each on every column's phantoms."""
    sets = {name: twin(name, bench.pool, bench.kb) for name in SETS}
    tables: dict[Key, SeedTable] = {}
    for step in STEPS:
        encoders = [_encoder(bench, step, seed) for seed in bench.profile.seeds]
        for name, judged_set in sets.items():
            tables[step, name] = score(bench, encoders, judged_set)
    last = tables[STEPS[-1], data.card.id]
    return Outcome(
        data=describe(data, judged(data)),
        metrics={
            "auc": last.metrics["auc"],
            "auc_gain": gained(last, tables[STEPS[0], data.card.id], "auc"),
        },
        rows=tuple(
            Row(
                id=step,
                name=NAMES[step],
                kind="step",
                n=len(sets[name].rows("test")),
                metrics=table.metrics,
                of=name,
                seeds=len(bench.profile.seeds),
                spread=table.spread,
            )
            for (step, name), table in tables.items()
        ),
        notes=(*_notes(bench, data), *order_notes(tables, SETS)),
    )


def _encoder(bench: Bench, step: AblationRow, seed: int) -> Encoder:
    folder = bench.work / "ablation"
    base = bench.training.replace(data__workers=bench.workers)
    config = step_config(step, seed, base, bench.profile, folder)
    run_folder = trained(config, bench.kb, folder, bench.listener)
    return Encoder(load(f"run:{run_folder}"), bench.encoder.cache, bench.listener)


def score(bench: Bench, encoders: Sequence[Encoder], data: LabelledSet) -> SeedTable:
    """Score one row of the table on one column: the mean over its seeds.

    Args:
        bench: Dictionary and bootstrap settings.
        encoders: A model a seed, each asked in the words that it was trained with.
        data: The column's phantoms.
    """
    return (_single if data.card.single else _multi)(bench, encoders, data)


def _multi(bench: Bench, encoders: Sequence[Encoder], data: LabelledSet) -> SeedTable:
    names = [ClassName(c.id, c.name) for c in data.classes]
    test, valid = (
        [
            scored(
                encoder,
                data,
                split,
                data.classes,
                class_texts(encoder.loaded, bench.kb, data.classes, kinds=True),
            )
            for encoder in encoders
        ]
        for split in ("test", "valid")
    )
    return across_seeds(names, test, valid, bench.resampling).macro


def _single(bench: Bench, encoders: Sequence[Encoder], data: LabelledSet) -> SeedTable:
    rows = data.rows("test")
    known = data.labels[rows] == 1
    patients = [data.images.samples[row].patient_id for row in rows]
    names = [ClassName(c.id, c.name) for c in data.classes]
    normal = not known.any(axis=1).all()
    if normal:
        names.append(ClassName(_NORMAL, _NORMAL))
    truth = np.where(known.any(axis=1), known.argmax(axis=1), len(names) - 1)
    found: list[SingleScores] = []
    for encoder in encoders:
        texts = class_texts(encoder.loaded, bench.kb, data.classes)
        asked = [*texts, (encoder.loaded.normal,)] if normal else texts
        scores = encoder.scores(data, "test", [None] * len(asked), asked)
        found.append(score_single(names, truth, scores, patients, bench.resampling))
    return seed_table([f.overall for f in found], [f.drawn for f in found], bench.resampling)


def order_notes(tables: Mapping[Key, SeedTable], columns: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence for each row that is not better than the one before, as the paper's are.

    Args:
        tables: Row and column -> figures.
        columns: Ids of the columns' data sets.
    """
    found: list[str] = []
    for before, step in pairwise(STEPS):
        against: list[str] = []
        for name in columns:
            metrics = tables[step, name].metrics
            for metric in (m for m in _WORDS if m in metrics):
                gain = gained(tables[step, name], tables[before, name], metric)
                if gain.value is not None and _unlike(gain.value, step, name):
                    against.append(f"{name} {_WORDS[metric]} {_signed(gain)}")
        if against:
            found.append(
                f"Row “{NAMES[step]}” does not follow the paper's order everywhere: against "
                f"“{NAMES[before]}” {'; '.join(against)}."
            )
        else:
            found.append(f"Row “{NAMES[step]}” follows the paper's order in every column.")
    return tuple(found)


def _unlike(gain: float, step: AblationRow, name: str) -> bool:
    """Whether a step goes another way than in the paper, where equal is another way too."""
    return gain >= 0 if (step, name) in PAPER_FALLS else gain <= 0


def _signed(gain: Estimate) -> str:
    if gain.low is None or gain.high is None:
        return f"{gain.value:+.3f} (no interval)"
    sure = "" if gain.low > 0 or gain.high < 0 else ", which may be chance"
    return f"{gain.value:+.3f} [{gain.low:+.3f}, {gain.high:+.3f}]{sure}"


def _notes(bench: Bench, data: LabelledSet) -> tuple[str, ...]:
    profile = bench.profile
    return (
        f"{profile.words}; every row is trained on the same {profile.ablation_train:,} phantoms, "
        f"{profile.ablation_epochs} passes, with what is read in their reports, and judged "
        "zero-shot on other phantoms, asked in the words that it was trained with.",
        "The figures do not depend on the model that the rest of this report is about.",
        "In the paper each row is better than the one before in every column, but for entity on "
        "RSNA. Whether that holds here is tested: differences are paired over images and seeds, "
        "with 95 % intervals.",
        "MIMIC-16 and MIMIC-FG have one class an image; their F1 is the macro F1 of the class with "
        "the highest score. Elsewhere thresholds are chosen by both protocols.",
        *data.notes,
    )


def task(card: Card) -> Task:
    """Make the task; it is asked of phantoms alone."""
    return Task(
        family="ablation",
        dataset=card.id,
        title="Ablation",
        about="What does each part of the method add? Report texts, entities, severity and "
        "location, soft targets (SSM), explanations (IKI): each row is trained anew.",
        needs="images",
        run=run,
        splits=("valid", "test"),
        spends=True,
        real=False,
    )
