"""Zero-shot classification of every data set: one class an image, or several."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from medfilip_bench.baselines import baselines, single_baselines
from medfilip_bench.datasets import COMMON
from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.predictions import Predictions
from medfilip_bench.results import COMMON_ROW, Estimate, Row
from medfilip_bench.scoring import ClassName, ClassScores, score_classes, score_single
from medfilip_bench.series import Series
from medfilip_bench.tasks.embedding_map import embedding_map
from medfilip_bench.tasks.judged import Judged, describe, judged, scored
from medfilip_bench.tasks.prompting import Texts, class_texts
from medfilip_bench.tasks.task import Bench, Outcome, Task

NORMAL = "normal"


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Score every class of every image by what the class's texts say."""
    return single_label(bench, data) if data.card.single else multi_label(bench, data)


def multi_label(bench: Bench, data: LabelledSet) -> Outcome:
    """Score every class of every image, each for itself."""
    parts = judged(data)
    texts = class_texts(bench.encoder.loaded, bench.kb, data.classes, kinds=data.phantom)
    names = [ClassName(c.id, c.name, t[0]) for c, t in zip(data.classes, texts, strict=True)]
    test = scored(bench.encoder, data, parts.test, data.classes, texts)
    valid = (
        None
        if parts.valid is None
        else scored(bench.encoder, data, parts.valid, data.classes, texts)
    )
    result = score_classes(names, test, valid, bench.resampling)
    random = (
        scored(bench.random, data, parts.test, data.classes, texts).scores,
        None
        if parts.valid is None
        else scored(bench.random, data, parts.valid, data.classes, texts).scores,
    )
    rows = baselines(names, test, valid, random, bench.resampling)
    return Outcome(
        data=describe(data, parts),
        metrics=result.macro,
        rows=_common(data, result, len(test.labels)) + result.rows + rows,
        series=Series(roc=result.roc, pr=result.pr, reliability=result.reliability),
        notes=(*notes(bench, data), *_undefined(result.rows)),
        predictions=_predictions(data, parts, names, test.labels, test.scores, None),
    )


def single_label(bench: Bench, data: LabelledSet) -> Outcome:
    """Pick one class for each image by the highest score; images without any class are normal."""
    parts = judged(data)
    rows = data.rows(parts.test)
    known = data.labels[rows] == 1
    texts: list[Texts] = class_texts(bench.encoder.loaded, bench.kb, data.classes)
    names = [ClassName(c.id, c.name, t[0]) for c, t in zip(data.classes, texts, strict=True)]
    categories = [c.category if c.severity is None else None for c in data.classes]
    truth = known.argmax(axis=1)
    if not known.any(axis=1).all():
        normal = bench.encoder.loaded.normal
        texts, names = [*texts, (normal,)], [*names, ClassName(NORMAL, NORMAL, normal)]
        categories.append(None)
        truth = np.where(known.any(axis=1), truth, len(names) - 1)
    scores = bench.encoder.scores(data, parts.test, categories, texts)
    patients = [data.images.samples[row].patient_id for row in rows]
    result = score_single(names, truth, scores, patients, bench.resampling)
    random = bench.random.scores(data, parts.test, categories, texts)
    floor = single_baselines(names, truth, random, patients, bench.resampling)
    return Outcome(
        data=describe(data, parts),
        metrics=result.overall,
        rows=result.rows + floor,
        series=Series(
            confusion=result.confusion,
            confusion_names=tuple(name.name for name in names),
            embedding=embedding_map(bench.encoder, data, parts.test, texts[: len(data.classes)]),
        ),
        notes=(
            *notes(bench, data),
            "The class is the one with the highest score: no threshold is chosen. AUC is of one "
            "class against the rest.",
        ),
        predictions=_predictions(
            data,
            parts,
            names,
            (truth[:, None] == np.arange(len(names))).astype(np.float64),
            scores,
            result.predicted,
        ),
    )


def notes(bench: Bench, data: LabelledSet) -> tuple[str, ...]:
    """Return what a reader must know of a data set and of what the model saw.

    Args:
        bench: What every task is given.
        data: The set.
    """
    loaded = bench.encoder.loaded
    if data.phantom:
        told = (
            "Phantoms are one image a patient. A finding counts as one of its broader classes too "
            "(a consolidation is a lung opacity), and such a class is asked for by the texts of "
            "its kinds as well."
            if not data.card.single
            else "Phantoms are one image a patient.",
        )
    else:
        told = (
            f"The model was trained on {loaded.trained_on}. "
            + (
                "If those are of this data set, only its own test split is a test."
                if loaded.saw_images
                else "It saw no real image."
            ),
            *data.card.notes,
        )
    return (*told, *data.notes)


def _common(data: LabelledSet, result: ClassScores, n: int) -> tuple[Row, ...]:
    """Return the macro over the classes of the paper's column, where these are some of the set's.

    The paper judges 10 classes of ChestX-ray14 and 8 of VinBigData and does not name them; the
    commonest are taken.
    """
    common = COMMON.get(data.card.id, ())
    columns = [c for c, name in enumerate(data.classes) if name.category in common]
    if not columns or len(columns) == len(data.classes):
        return ()
    kept = [result.rows[c] for c in columns]
    metrics: dict[str, Estimate] = {}
    # The interval of a calibration error is no mean of replicates.
    for metric in (name for name in result.macro if name != "ece"):
        points = [row.metrics[metric] for row in kept]
        defined = [c for c, e in zip(columns, points, strict=True) if e.value is not None]
        values = [e.value for e in points if e.value is not None]
        if values:
            ends = result.drawn[metric].mean(defined).interval()
            metrics[metric] = Estimate.of(Measure(sum(values) / len(values)), ends)
        else:
            metrics[metric] = Estimate(value=None, reason="undefined for every class")
    words = f"macro over the {len(columns)} commonest"
    return (Row(id=COMMON_ROW, name=words, kind="variant", n=n, metrics=metrics),)


def _predictions(
    data: LabelledSet,
    parts: Judged,
    names: Sequence[ClassName],
    labels: Float[np.ndarray, "N C"],
    scores: Float[np.ndarray, "N C"],
    predicted: Int[np.ndarray, " N"] | None,
) -> Predictions:
    kept = [data.images.samples[row] for row in data.rows(parts.test)]
    return Predictions(
        ids=[sample.id for sample in kept],
        patients=[sample.patient_id for sample in kept],
        classes=[name.id for name in names],
        labels=labels,
        scores=scores,
        predicted=predicted,
    )


def _undefined(rows: Sequence[Row]) -> tuple[str, ...]:
    """Say which classes the macro figures leave out, where they leave out any."""
    found: list[str] = []
    for metric, words in (("auc", "AUC and AP"), ("f1@held-out", "Held-out figures")):
        without = [row.name for row in rows if row.metrics[metric].value is None]
        if without:
            found.append(
                f"{words} are macro figures over the {len(rows) - len(without)} of {len(rows)} "
                f"classes that are defined; without: {', '.join(without)} (reasons in the table)."
            )
    return tuple(found)


def task(card: Card) -> Task:
    """Make the task of one data set."""
    about = (
        "Which one of the classes does the image show? The class with the highest score wins."
        if card.single
        else "Is each finding in the image? The score is that of image and class, a class being "
        "the mean of its texts."
    )
    return Task(
        family="zero_shot",
        dataset=card.id,
        title=f"Zero-shot, {card.name}",
        about=f"{about} Nothing is fitted.",
        needs="texts",
        run=run,
        splits=("test",) if card.single else ("valid", "test"),
        version=4,
    )
