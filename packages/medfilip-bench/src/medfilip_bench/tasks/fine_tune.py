"""Full fine-tuning: encoder and head trained together, at 1, 10 and 100 % of the labels."""

from collections.abc import Iterable
from dataclasses import asdict

import numpy as np

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.learning.classifier import fine_tune
from medfilip_bench.learning.draw import draw_rows, unlearnable
from medfilip_bench.learning.initial import RANDOM, Initial, initials
from medfilip_bench.learning.keep import Arrays, kept
from medfilip_bench.learning.loop import Schedule
from medfilip_bench.learning.parts import Parts, labels_of, parts_of
from medfilip_bench.learning.shares import Learned, Place
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.tasks.probe import outcome
from medfilip_bench.tasks.task import Bench, Outcome, Task


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Train the model's encoder and its random twin, with a head each, on the same labels."""
    wanted = bench.profile.fine_tune_sets
    if wanted and data.card.id not in wanted:
        raise NotApplicableError(
            f"the {bench.profile.name} profile fine-tunes on {', '.join(wanted)} only; "
            "take --profile full"
        )
    parts = parts_of(data)
    learned = {
        Place(start.name, share): _seeds(bench, data, parts, start, share)
        for start in initials(bench.encoder.loaded, _references(bench))
        for share in bench.profile.fractions
    }
    return outcome(bench, data, parts, learned, _notes(bench), against=RANDOM)


def schedule(bench: Bench) -> Schedule:
    """Return how long and how fast, by the profile."""
    return Schedule(
        steps=bench.profile.fine_tune_steps,
        batch=32,
        lr=1e-3,
        encoder_lr=3e-4,
        weight_decay=0.05,
        begun=True,
    )


def _references(bench: Bench) -> Iterable[LoadedModel]:
    """The references; the quick profile leaves them out, which are larger than all the rest."""
    if not bench.profile.fine_tune_references:
        return ()
    return [encoder.loaded for encoder in bench.references.values()]


def _seeds(bench: Bench, data: LabelledSet, parts: Parts, start: Initial, share: float) -> Learned:
    """Train once a seed, or read what an earlier run has trained."""
    plan, device = schedule(bench), bench.encoder.loaded.device
    found: list[Arrays] = []
    reasons: list[tuple[str | None, ...]] = []
    for seed in bench.profile.seeds:
        rows = draw_rows(data, parts.train, share, seed)

        def make(rows: list[int] = rows, seed: int = seed) -> Arrays:
            words = f"{start.name}, {share:.0%} of the labels, seed {seed}"
            bench.listener.note(f"fine-tuning, {data.card.id}: {words}")
            less = Parts(rows, parts.valid, parts.test)
            tuned = fine_tune(start.make(seed), data, less, plan, seed=seed, device=device)
            return {"test": tuned.test, "valid": tuned.valid, "step": np.array(tuned.step)}

        asked = ["fine_tune", data.key, start.key, asdict(plan), share, seed, device]
        found.append(kept(bench.work / "trained", asked, make))
        reasons.append(unlearnable(labels_of(data, rows)))
    return Learned.of([one["test"] for one in found], [one["valid"] for one in found], reasons)


def _notes(bench: Bench) -> tuple[str, ...]:
    plan = schedule(bench)
    told = [
        f"Each training is {plan.steps} steps of {plan.batch} images, whatever the share, by AdamW "
        f"with a cosine (head {plan.lr:g}, encoder {plan.encoder_lr:g}). The head begins as a "
        "linear probe of the encoder as it comes. The step with the best macro AUC on the "
        "validation split, which is whole at every share, is kept, be it that beginning.",
        "auc_gain is over the same encoder with random weights, with a paired interval.",
    ]
    if not bench.profile.fine_tune_references:
        told.append("The references are fine-tuned in the full profile only.")
    return tuple(told)


def task(card: Card) -> Task:
    """Make the task of one data set."""
    return Task(
        family="fine_tune",
        dataset=card.id,
        title=f"Fine-tuning, {card.name}",
        about="How well is each finding told when the whole encoder is trained on from the model's "
        "weights, or from random ones, on 1, 10 or 100 % of the training labels?",
        needs="backbone",
        run=run,
        spends=True,
    )
