"""Linear probe: a frozen encoder and a linear head, at 1, 10 and 100 % of the labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medfilip_bench.baselines import baselines
from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.features import Encoder
from medfilip_bench.learning.draw import draw_rows, unlearnable
from medfilip_bench.learning.parts import Parts, labels_of, parts_of
from medfilip_bench.learning.probe import STRENGTHS, Heads, fit_heads
from medfilip_bench.learning.shares import (
    Learned,
    Place,
    curves,
    headlines,
    score_shares,
    share_rows,
    with_gains,
)
from medfilip_bench.predictions import Predictions
from medfilip_bench.protocols import Scored
from medfilip_bench.results import Row
from medfilip_bench.scoring import ClassName
from medfilip_bench.series import Series
from medfilip_bench.stats import patient_groups
from medfilip_bench.tasks.judged import describe, judged
from medfilip_bench.tasks.task import Bench, Outcome, Task

Features = Float[np.ndarray, "_ D"]


@dataclass(frozen=True)
class Embedded:
    """Features of the three parts of a set, by one encoder; each image is encoded once."""

    train: Features
    valid: Features
    test: Features

    @classmethod
    def of(cls, encoder: Encoder, data: LabelledSet, parts: Parts) -> "Embedded":
        """Encode a set, or take what an earlier task has encoded of it."""
        valid = encoder.embed(data, "valid") if parts.valid else None
        train = encoder.embed(data, "train")
        return cls(
            train,
            train[:0] if valid is None else valid,
            encoder.embed(data, "test"),
        )


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Train heads on the features of the model and of the references, from the same labels."""
    parts = parts_of(data)
    own = bench.encoder.loaded.name
    encoders = {own: bench.encoder, **{e.loaded.name: e for e in bench.references.values()}}
    learned: dict[Place, Learned] = {}
    for name, encoder in encoders.items():
        features = Embedded.of(encoder, data, parts)
        for share in bench.profile.fractions:
            learned[Place(name, share)] = learn(features, data, parts, share, bench.profile.seeds)
    told = (
        "Features are standardised by the training images that were drawn. Each class has a "
        f"logistic regression of its own; its penalty is one of {len(STRENGTHS)} that does best on "
        "the validation split, which is used whole at every share.",
        "With all labels the head is the same for every seed, so its spread is 0.",
    )
    return outcome(bench, data, parts, learned, told)


def outcome(
    bench: Bench,
    data: LabelledSet,
    parts: Parts,
    learned: Mapping[Place, Learned],
    told: Sequence[str],
    *,
    against: str | None = None,
) -> Outcome:
    """Make the record of what was trained on shares of the labels.

    Args:
        bench: What every task is given.
        data: The set.
        parts: Its rows.
        learned: Scores of every initialisation at every share.
        told: Notes on how it was trained.
        against: Initialisation that the model's gain is measured over.
    """
    own = bench.encoder.loaded.name
    names = [ClassName(c.id, c.name) for c in data.classes]
    test, valid = templates(data, parts)
    scores = score_shares(names, test, valid, learned, bench.resampling)
    tables = scores.tables if against is None else with_gains(scores.tables, own, against, "auc")
    chance = Embedded.of(bench.random, data, parts)
    floor = learn(chance, data, parts, 1.0, bench.profile.seeds[:1])
    seeds = {place: found.test.shape[0] for place, found in learned.items()}
    one = int(test.truth[:, 0].sum()) if len(names) == 1 else None
    most = max((place for place in learned if place.of == own), key=lambda place: place.share)
    return Outcome(
        data=describe(data, judged(data)),
        metrics=headlines(tables, own, ("auc",)),
        rows=(
            *share_rows(tables, seeds, len(parts.test), one),
            *own_classes(scores.classes, own),
            *baselines(names, test, valid, (floor.test[0], floor.valid[0]), bench.resampling),
        ),
        series=Series(curves=curves(tables)),
        notes=(
            *notes(bench, data, parts),
            *told,
            "The random model's row is a head on random embeddings, from all labels.",
        ),
        predictions=predictions(data, parts, names, learned[most]),
    )


def learn(
    features: Embedded, data: LabelledSet, parts: Parts, share: float, seeds: Sequence[int]
) -> Learned:
    """Train heads on a share of the labels, once a seed.

    Args:
        features: Of one encoder.
        data: The set.
        parts: Its rows.
        share: Share of the training patients.
        seeds: Of the draws; with all labels they draw the same, and one fit stands for all.
    """
    place = {row: number for number, row in enumerate(parts.train)}
    drawn = seeds[:1] if share == 1 else seeds
    heads: list[Heads] = []
    for seed in drawn:
        rows = draw_rows(data, parts.train, share, seed)
        heads.append(
            fit_heads(
                features.train[[place[row] for row in rows]],
                labels_of(data, rows),
                features.valid,
                labels_of(data, parts.valid),
            )
        )
    repeats = len(seeds) // len(drawn)
    return Learned.of(
        [head(features.test) for head in heads] * repeats,
        [head(features.valid) for head in heads] * repeats,
        [head.reasons for head in heads],
    )


def templates(data: LabelledSet, parts: Parts) -> tuple[Scored, Scored | None]:
    """Return labels and patients of the judged and of the validation images, without scores."""

    def made(rows: list[int]) -> Scored:
        labels = labels_of(data, rows)
        groups = patient_groups([data.images.samples[row].patient_id for row in rows])
        return Scored(labels, np.zeros_like(labels), groups)

    return made(parts.test), made(parts.valid) if parts.valid else None


def own_classes(classes: Mapping[Place, tuple[Row, ...]], own: str) -> tuple[Row, ...]:
    """Return the class rows of the model that is scored; one class alone is its share's row."""
    return tuple(
        row for place, rows in classes.items() if place.of == own and len(rows) > 1 for row in rows
    )


def predictions(
    data: LabelledSet, parts: Parts, names: Sequence[ClassName], learned: Learned
) -> Predictions:
    """Return the scores of the most labels, averaged over the seeds."""
    return Predictions(
        ids=[data.images.samples[row].id for row in parts.test],
        patients=[data.images.samples[row].patient_id for row in parts.test],
        classes=[name.id for name in names],
        labels=labels_of(data, parts.test),
        scores=learned.test.mean(axis=0),
    )


def notes(bench: Bench, data: LabelledSet, parts: Parts) -> tuple[str, ...]:
    """Return what holds for everything that is trained on shares of the labels."""
    drawn: list[str] = []
    whose = data.patients
    for share in bench.profile.fractions:
        rows = draw_rows(data, parts.train, share, bench.profile.seeds[0])
        patients = len({whose[row] for row in rows})
        closed = sum(reason is not None for reason in unlearnable(labels_of(data, rows)))
        without = f", classes without positives or negatives: {closed}" if closed else ""
        drawn.append(f"{share * 100:g} % is {patients:,} patients ({len(rows):,} images{without})")
    return (
        f"{bench.profile.words}. A share of the labels is drawn by patient, with the same draw for "
        "every initialisation; the smaller share is part of the larger. It begins with a patient "
        "who shows and one who lacks each class, the rarest class first, as far as there is room; "
        f"with seed {bench.profile.seeds[0]} {'; '.join(drawn)}.",
        "Macro figures are over the classes that have positives and negatives; one that a draw "
        "cannot teach is null with its reason.",
        *(() if data.phantom else data.card.notes),
        *data.notes,
    )


def task(card: Card) -> Task:
    """Make the task of one data set."""
    return Task(
        family="probe",
        dataset=card.id,
        title=f"Linear probe, {card.name}",
        about="How much of each finding can a linear head read from the frozen encoder's features, "
        "when it is given 1, 10 or 100 % of the training labels?",
        needs="images",
        run=run,
        spends=True,
    )
