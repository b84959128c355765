"""Which question is asked of which data set: the list of all tasks."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from medfilip_bench.datasets import READERS
from medfilip_bench.datasets.card import Card
from medfilip_bench.tasks import (
    ablation,
    case_study,
    extraction,
    fine_tune,
    grounding,
    probe,
    prompts,
    report_consistency,
    retrieval,
    segmentation,
    subgroups,
    unseen,
    zero_shot,
)
from medfilip_bench.tasks.task import Task

Maker = Callable[[Card], Task]

# Family by family, in the order of a report: what makes its tasks, and of which data sets.
_SETS: Sequence[tuple[Maker, tuple[str, ...]]] = (
    (extraction.task, ("mimic_multi",)),
    (report_consistency.task, ("mimic_multi",)),
    (
        zero_shot.task,
        (
            "mimic_16",
            "rsna",
            "mimic_multi",
            "chestxray14",
            "vinbigdata",
            "mimic_fg",
            "siim",
            "chexpert",
            "six_entities",
            "covid_radiography",
            "covid_qu_ex",
            "kermany",
        ),
    ),
    (unseen.task, ("covid_radiography", "covid_qu_ex")),
    (probe.task, ("rsna", "vinbigdata", "chestxray14", "kermany")),
    (fine_tune.task, ("rsna", "vinbigdata", "chestxray14", "kermany")),
    (segmentation.task, ("siim", "kermany")),
    (retrieval.task, ("mimic_multi",)),
    (grounding.task, ("rsna", "chestxray14", "vinbigdata")),
    (ablation.task, ("mimic_multi",)),
    (case_study.task, ("mimic_fg",)),
    (prompts.task, ("chestxray14",)),
    (subgroups.task, ("chestxray14", "chexpert")),
)
# What is asked of a folder of a user's own; what it lacks (boxes, ages) is said and passed over.
_OWN: Sequence[Maker] = (zero_shot.task, probe.task, grounding.task, prompts.task, subgroups.task)
# Twins that would be the same phantoms as another data set's.
_SAME_TWIN = {"covid_qu_ex": "covid_radiography"}


def catalogue(own: Iterable[Card] = ()) -> Mapping[str, Task]:
    """Return all tasks by name.

    Args:
        own: Cards of folders with a manifest that were found under the data root.
    """
    known = [_twin_once(make(READERS[name].card)) for make, names in _SETS for name in names]
    folders = [replace(make(card), twin=False) for card in own for make in _OWN]
    return {task.name: task for task in (*known, *folders)}


def _twin_once(task: Task) -> Task:
    return replace(task, twin=False) if task.dataset in _SAME_TWIN else task
