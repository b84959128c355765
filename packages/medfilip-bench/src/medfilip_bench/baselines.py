"""What needs no training, scored by the same code: the floor under every classification table."""

from collections.abc import Hashable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from medfilip_bench.metrics.measure import Measure
from medfilip_bench.protocols import PROTOCOLS, Scored, apply
from medfilip_bench.results import Row
from medfilip_bench.scoring import ClassName, Resampling, score_classes, score_single

NORMAL = "normal"


def baselines(
    classes: Sequence[ClassName],
    test: Scored,
    valid: Scored | None,
    random: tuple[Float[np.ndarray, "N C"], Float[np.ndarray, "V C"] | None],
    resampling: Resampling,
) -> tuple[Row, ...]:
    """Score the trivial predictors.

    ``all-negative`` says no to everything. ``prevalence`` knows how common each class is and
    nothing of the image: one score for all, so the threshold that maximises F1 says yes to
    everything. ``random model`` has embeddings that know nothing of the image.

    Args:
        classes: Names, one a column.
        test: What is judged; its scores are not looked at.
        valid: The validation split, likewise.
        random: The random model's scores on the test and on the validation split.
        resampling: Bootstrap settings.
    """
    never = apply([Measure(1.0)] * len(classes), np.zeros_like(test.scores))
    scored = {
        "all-negative": score_classes(
            classes, flat(test), None, resampling, decided=dict.fromkeys(PROTOCOLS, never)
        ),
        "prevalence": score_classes(classes, flat(test), valid and flat(valid), resampling),
        "random model": score_classes(
            classes,
            replace(test, scores=random[0]),
            None if valid is None or random[1] is None else replace(valid, scores=random[1]),
            resampling,
        ),
    }
    return tuple(
        Row(id=name, name=name, kind="baseline", n=len(test.labels), metrics=result.macro)
        for name, result in scored.items()
    )


def flat(scored: Scored) -> Scored:
    """Return the same images with one score for all of them."""
    return replace(scored, scores=np.zeros_like(scored.scores))


def single_baselines(
    classes: Sequence[ClassName],
    truth: Int[np.ndarray, " N"],
    random: Float[np.ndarray, "N C"],
    patients: Sequence[Hashable],
    resampling: Resampling,
) -> tuple[Row, ...]:
    """Score the trivial predictors of one class an image.

    ``majority`` always says the commonest class of the test set (of equally common ones the
    first), ``all-negative`` always says normal, where that is a class; ``random model`` has
    embeddings that know nothing of the image.

    Args:
        classes: Names, one a class.
        truth: True class of each image, [N].
        random: The random model's scores, [N, C].
        patients: Whose each image is.
        resampling: Bootstrap settings.
    """
    commonest = int(np.bincount(truth, minlength=len(classes)).argmax())
    names = {"majority": (f"majority (always {classes[commonest].name})", commonest)}
    ids = [name.id for name in classes]
    if NORMAL in ids:
        names["all-negative"] = ("all-negative", ids.index(NORMAL))
    always = {key: np.eye(len(classes))[[c] * truth.size] for key, (_, c) in names.items()}
    words = {key: name for key, (name, _) in names.items()} | {"random model": "random model"}
    return tuple(
        Row(
            id=key,
            name=words[key],
            kind="baseline",
            n=truth.size,
            metrics=score_single(classes, truth, scores, patients, resampling).overall,
        )
        for key, scores in (always | {"random model": random}).items()
    )
