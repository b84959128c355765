"""Zero-shot, exactly one finding or none an image, on phantoms (MIMIC-16 in shape)."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from medfilip_model.data import ImageSet
from medfilip_model.zeroshot import class_prompts

from medfilip_bench.metrics.classification import SingleLabel, auc, single_label
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.results import Estimate, Row, Series
from medfilip_bench.scoring import ClassName, Resampling
from medfilip_bench.sets import describe
from medfilip_bench.stats import (
    interval,
    macro_replicates,
    patient_groups,
    replicate,
    weighted_auc_ap,
    weighted_single_label,
)
from medfilip_bench.tasks.task import Bench, Outcome, Task, score_images

NORMAL = "normal"
Classes = Int[np.ndarray, " N"]


def run(bench: Bench) -> Outcome:
    """Pick one class for each image by the highest cosine."""
    images = bench.phantoms.single()
    categories = list(bench.phantoms.seen)
    prompts = class_prompts(bench.kb, categories, bench.encoder.loaded.template)
    texts = [*prompts.values(), (bench.encoder.loaded.normal,)]
    names = [ClassName(c, bench.kb[c].name, prompts[c][0]) for c in categories]
    names.append(ClassName(NORMAL, NORMAL, bench.encoder.loaded.normal))
    truth = _truth(images, categories)
    groups = patient_groups([sample.patient_id for sample in images.samples])
    scores = score_images(bench.encoder, images, texts)
    said = scores.argmax(axis=1)
    result = single_label(truth, said, len(names))
    overall, per_class = _estimates(result, truth, said, groups, bench.resampling)
    areas = _areas(truth, scores, groups, bench.resampling)
    rows = tuple(
        Row(
            id=name.id,
            name=name.name,
            kind="class",
            positives=int((truth == c).sum()),
            n=len(truth),
            metrics={**per_class[c], "auc": areas[c]},
            text=name.text,
        )
        for c, name in enumerate(names)
    )
    random = score_images(bench.random, images, texts).argmax(axis=1)
    guesses = trivial(truth, [name.name for name in names]) | {"random model": random}
    return Outcome(
        data=describe(images, None, phantom=True, split="held-out phantoms, classes balanced"),
        metrics=overall,
        rows=rows
        + tuple(
            _baseline(name, truth, guess, groups, len(names), bench.resampling)
            for name, guess in guesses.items()
        ),
        series=Series(
            confusion=tuple(map(tuple, result.confusion.tolist())),
            confusion_names=tuple(n.name for n in names),
        ),
        notes=(
            "The class is the one with the highest cosine: no threshold is chosen. AUC is of one "
            "class against the rest.",
            "all-negative says normal to every image.",
        ),
    )


def trivial(truth: Classes, names: Sequence[str]) -> dict[str, Classes]:
    """Return the predictions that look at no image: always normal, always the commonest class.

    Args:
        truth: Class of each image.
        names: Class names; the last is normal.
    """
    commonest = int(np.bincount(truth, minlength=len(names)).argmax())
    return {
        "all-negative": np.full_like(truth, len(names) - 1),
        f"prevalence (always {names[commonest]})": np.full_like(truth, commonest),
    }


def _truth(images: ImageSet, categories: Sequence[str]) -> Classes:
    """Return the class of each image; the last class is normal."""
    place = {category: number for number, category in enumerate(categories)}
    found = [[place[f.category] for f in s.present if f.category in place] for s in images.samples]
    return np.array([classes[0] if classes else len(categories) for classes in found])


def _estimates(
    result: SingleLabel, truth: Classes, said: Classes, groups: Classes, resampling: Resampling
) -> tuple[dict[str, Estimate], list[dict[str, Estimate]]]:
    """Return the overall estimates and those of each class, with intervals."""
    n_classes = len(result.f1)
    drawn = replicate(
        lambda weights: weighted_single_label(truth, said, n_classes, weights),
        groups,
        n_replicates=resampling.replicates,
        seed=resampling.seed,
    )
    overall = {
        "acc": Estimate.of(result.acc, interval(drawn["acc"][:, 0])),
        "macro_f1": Estimate.of(result.macro_f1, interval(macro_replicates(drawn["f1"]))),
    }
    per_class = [
        {
            "f1": Estimate.of(result.f1[c], interval(drawn["f1"][:, c])),
            "recall": Estimate.of(result.recall[c], interval(drawn["recall"][:, c])),
            "precision": Estimate.of(result.precision[c], interval(drawn["precision"][:, c])),
        }
        for c in range(n_classes)
    ]
    return overall, per_class


def _areas(
    truth: Classes, scores: Float[np.ndarray, "N C"], groups: Classes, resampling: Resampling
) -> list[Estimate]:
    """Return the AUC of each class against the rest."""
    n_classes = scores.shape[1]
    drawn = replicate(
        lambda weights: {
            "auc": np.stack(
                [weighted_auc_ap(truth == c, scores[:, c], weights)[0] for c in range(n_classes)],
                axis=1,
            )
        },
        groups,
        n_replicates=resampling.replicates,
        seed=resampling.seed,
    )["auc"]
    points: list[Measure] = [auc(truth == c, scores[:, c]) for c in range(n_classes)]
    return [Estimate.of(points[c], interval(drawn[:, c])) for c in range(n_classes)]


def _baseline(
    name: str,
    truth: Classes,
    said: Classes,
    groups: Classes,
    n_classes: int,
    resampling: Resampling,
) -> Row:
    overall, _ = _estimates(single_label(truth, said, n_classes), truth, said, groups, resampling)
    return Row(id=name, name=name, kind="baseline", n=len(truth), metrics=overall)


TASK = Task(
    name="zero_shot_single",
    title="Zero-shot, single label",
    about="Which one of the classes, or normal, does the image show? The class with the highest "
    "cosine wins. Nothing is fitted.",
    phantom=True,
    run=run,
)
