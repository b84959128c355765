"""Zero-shot, several findings an image, on phantoms (the paper's MIMIC-multi in shape)."""

from medfilip_bench.sets import describe
from medfilip_bench.tasks.multilabel import multi_label
from medfilip_bench.tasks.task import Bench, Outcome, Task


def run(bench: Bench) -> Outcome:
    """Score the seen classes on held-out phantoms."""
    test, valid = bench.phantoms.multi("test"), bench.phantoms.multi("valid")
    classes = {bench.kb[c].name: c for c in bench.phantoms.seen}
    return multi_label(
        bench,
        test,
        valid,
        classes,
        describe(
            test,
            valid,
            phantom=True,
            split="held-out phantoms, drawn from other numbers than training's",
        ),
        (
            "Phantoms are one image a patient.",
            "A finding counts as one of its broader classes too (a consolidation is a lung "
            "opacity), and such a class is asked for by the texts of its kinds as well.",
        ),
        kinds=True,
    )


TASK = Task(
    name="zero_shot_multi",
    title="Zero-shot, multi label",
    about="Is each finding in the image? The score is the cosine of image and class, a class being "
    "the mean of its dictionary texts over severities and sides. Nothing is fitted.",
    phantom=True,
    run=run,
    version=2,
)
