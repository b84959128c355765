"""Segmentation: a UNet on the model's encoder, at 1, 10 and 100 % of the masks."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import INSIDE, LabelledSet
from medfilip_bench.learning.draw import draw_rows
from medfilip_bench.learning.initial import RANDOM, Initial, initials
from medfilip_bench.learning.keep import Arrays, kept
from medfilip_bench.learning.loop import Schedule
from medfilip_bench.learning.masks import JUDGED, LEVELS, Segmented, masks_of, segment
from medfilip_bench.learning.parts import Parts, parts_of
from medfilip_bench.learning.pictures import evenly, picture
from medfilip_bench.learning.shares import Place, curves, headlines, share_rows, with_gains
from medfilip_bench.profiles import Profile
from medfilip_bench.results import Estimate, Row
from medfilip_bench.scoring import SeedTable, score_masks, seed_table
from medfilip_bench.scoring.drawn import Drawn
from medfilip_bench.series import Gallery, GalleryRow, Series
from medfilip_bench.tasks.judged import describe, judged
from medfilip_bench.tasks.task import Bench, Outcome, Task

_SHOWN = 6


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Train decoders on the model's encoder and on its random twin, from the same masks."""
    parts = parts_of(data, data.masked)
    shown = evenly(_telling(data, parts.test), _SHOWN)
    own = bench.encoder.loaded.name
    found = {
        Place(start.name, share): [
            _trained(bench, data, parts, start, share, seed, shown) for seed in bench.profile.seeds
        ]
        for start in initials(bench.encoder.loaded)
        for share in bench.profile.fractions
    }
    whose = data.patients
    patients = [whose[row] for row in parts.test]
    tables = {place: _table(bench, seeds, patients) for place, seeds in found.items()}
    tables = with_gains(tables, own, RANDOM, "dice")
    seeds = {place: len(runs) for place, runs in found.items()}
    first = next(iter(found.values()))[0]
    positives = int(first.test.at(0).positive.sum())
    return Outcome(
        data=describe(data, judged(data), rows=parts.test),
        metrics=headlines(tables, own, ("dice",)),
        rows=(
            *share_rows(tables, seeds, len(parts.test), positives),
            _empty(bench, first, patients, positives),
        ),
        series=Series(
            curves=curves(tables),
            galleries=_gallery(bench, data, found[_most(found, own)][0], shown),
        ),
        notes=_notes(bench, data, parts),
    )


def schedule(profile: Profile) -> Schedule:
    """Return how long and how fast, by the profile."""
    return Schedule(steps=profile.segmentation_steps, batch=16, lr=3e-3, encoder_lr=1e-3)


def _trained(
    bench: Bench,
    data: LabelledSet,
    parts: Parts,
    start: Initial,
    share: float,
    seed: int,
    shown: Sequence[int],
) -> Segmented:
    """Train once, or read what an earlier run has trained."""
    plan, device = schedule(bench.profile), bench.encoder.loaded.device
    rows = draw_rows(data, parts.train, share, seed)

    def make() -> Arrays:
        bench.listener.note(f"segmentation, {data.card.id}: {start.name}, {share:.0%}, seed {seed}")
        less = Parts(rows, parts.valid, parts.test)
        return segment(
            start.make(seed), data, less, plan, seed=seed, shown=shown, device=device
        ).arrays()

    asked = ["segmentation", data.key, start.key, asdict(plan), share, seed, list(shown), device]
    return Segmented.read(kept(bench.work / "trained", asked, make))


def _table(bench: Bench, seeds: Sequence[Segmented], patients: Sequence[str]) -> SeedTable:
    """Average the seeds, each with a threshold of its own by each protocol.

    A bare name is the held-out figure, or the paper's where no validation split is left.
    """
    values: list[dict[str, Estimate]] = []
    drawn: list[dict[str, Drawn]] = []
    for trained in seeds:
        levels = _levels(trained)
        bare = levels.get("held-out", levels["paper"])
        values.append({})
        drawn.append({})
        for suffix, level in {"": bare, **{f"@{p}": t for p, t in levels.items()}}.items():
            scores = score_masks(trained.test.at(level), patients, bench.resampling)
            values[-1] |= {f"{m}{suffix}": estimate for m, estimate in scores.metrics.items()}
            drawn[-1] |= {f"{m}{suffix}": found for m, found in scores.drawn.items()}
    return seed_table(values, drawn, bench.resampling)


def _levels(trained: Segmented) -> dict[str, int]:
    """Number of the threshold that each protocol takes."""
    found = {"paper": trained.test.best()}
    if trained.valid.true.size:
        found["held-out"] = trained.valid.best()
    return found


def _empty(bench: Bench, one: Segmented, patients: Sequence[str], positives: int) -> Row:
    """The answer that never marks a pixel."""
    scores = score_masks(one.test.at(0).emptied(), patients, bench.resampling)
    return Row(
        id="all-empty",
        name="all-empty",
        kind="baseline",
        positives=positives,
        n=len(patients),
        metrics=scores.metrics,
    )


def _gallery(
    bench: Bench, data: LabelledSet, trained: Segmented, shown: Sequence[int]
) -> tuple[Gallery, ...]:
    """Pictures of what the model answers when it has learnt from all masks."""
    if not (data.phantom or bench.pictures):
        return ()
    level = LEVELS[_levels(trained).get("held-out", trained.test.best())]
    images, masks = data.images.pixels, masks_of(data, shown)
    places = [int(row) for row in shown]
    pictures = tuple(
        picture(
            images[row],
            mask == INSIDE,
            answer / 255,
            f"{data.images.samples[row].id}",
            floor=level,
        )
        for row, mask, answer in zip(places, masks, trained.shown, strict=True)
    )
    return (
        Gallery(
            title="Segmentation",
            caption=f"Outline: the {data.mask_of or 'mask'}. Colour: the answer, where its "
            f"probability is {level:g} or more.",
            rows=(GalleryRow(query=f"{data.mask_of or 'mask'}", images=pictures),),
        ),
    )


def _telling(data: LabelledSet, rows: Sequence[int]) -> list[int]:
    """Rows whose mask marks something, where there are any: an empty one shows little."""
    marked = [row for row in rows if (masks_of(data, [row]) == INSIDE).any()]
    return marked or list(rows)


def _most(found: Mapping[Place, object], own: str) -> Place:
    return max((place for place in found if place.of == own), key=lambda place: place.share)


def _notes(bench: Bench, data: LabelledSet, parts: Parts) -> tuple[str, ...]:
    plan = schedule(bench.profile)
    counts = [
        f"{share * 100:g} % is {len(draw_rows(data, parts.train, share, bench.profile.seeds[0]))}"
        for share in bench.profile.fractions
    ]
    return (
        f"{bench.profile.words}; each training is {plan.steps} steps of {plan.batch} images at "
        f"{bench.encoder.loaded.size} pixels, whatever the share. Half of each batch shows the "
        "finding, where not all images do. The step is kept that does best on the validation "
        f"split ({len(parts.valid)} images, the same at every share; "
        f"at most {JUDGED} of them choose the step, all of them the threshold).",
        f"Of {len(parts.train)} training masks {', '.join(counts)}; whole patients are drawn, the "
        "same for every initialisation.",
        "Dice is the mean over images; one without the finding counts 1 when nothing is marked, "
        "else 0. Step and threshold are those with the best mean of the Dice on images with and "
        "without the finding: where it is rare, the best Dice over all images is that of an answer "
        "that is always empty. `paper` takes the threshold from the test images, `held-out` from "
        "the validation images; a name without protocol is the latter, where there are any. "
        "dice_gain is over the random twin, with a paired interval.",
        *(() if data.phantom else data.card.notes),
        *data.notes,
    )


def task(card: Card) -> Task:
    """Make the task of one data set."""
    return Task(
        family="segmentation",
        dataset=card.id,
        title=f"Segmentation, {card.name}",
        about="How well does a UNet mark the finding when its encoder begins with the model's "
        "weights, or with random ones, and it learns from 1, 10 or 100 % of the masks?",
        needs="backbone",
        run=run,
        masks=True,
        spends=True,
    )
