"""How far the figures hang on the wording: the same classes, asked in several ways."""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from iki_knowledge import Finding, KnowledgeBase

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.protocols import category_prompt
from medfilip_bench.results import Estimate, Row
from medfilip_bench.scoring import ClassName, score_classes
from medfilip_bench.stats import interval
from medfilip_bench.tasks.judged import describe, judged, scored
from medfilip_bench.tasks.prompting import Texts, class_texts
from medfilip_bench.tasks.task import Bench, Outcome, Task
from medfilip_bench.tasks.zero_shot import notes

Style = Callable[[KnowledgeBase, LabelClass], Texts]
DictionaryTemplate = Literal["paper", "official", "category", "triplet", "explanation"]
_METRICS = ("auc", "ap", "f1@paper", "f1@held-out", "acc@paper", "acc@held-out")


def _template(template: DictionaryTemplate) -> Style:
    return lambda kb, c: (kb.text(Finding(category=c.category), template=template),)


def _sentence(form: str) -> Style:
    return lambda kb, c: (form.format(kb[c.category].name.lower()),)


def _synonyms(kb: KnowledgeBase, c: LabelClass) -> Texts:
    entry = kb[c.category]
    return tuple(dict.fromkeys(category_prompt(word) for word in (entry.name, *entry.aliases)))


STYLES: Mapping[str, tuple[str, Style]] = {
    "name": ("the name alone", _sentence("{}")),
    "paper-baseline": (
        "“This is an X-ray image of …”",
        lambda kb, c: (category_prompt(kb[c.category].name.lower()),),
    ),
    "there-is": ("“There is …”", _sentence("There is {}.")),
    "suggesting": ("“Findings suggesting …”", _sentence("Findings suggesting {}.")),
    "synonyms": ("mean over the dictionary's synonyms", _synonyms),
    "explanation": ("the explanation alone", _template("explanation")),
    "paper": ("name and explanation (the paper's template)", _template("paper")),
    "official": ("the official code's template", _template("official")),
}


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Score the set once for each way of asking, and say how far the answers lie apart."""
    parts = judged(data)
    asked = {
        style: (words, [make(bench.kb, c) for c in data.classes])
        for style, (words, make) in STYLES.items()
    }
    own = class_texts(bench.encoder.loaded, bench.kb, data.classes, kinds=data.phantom)
    asked = {"own": ("as the zero-shot tasks ask this model", own), **asked}
    rows: list[Row] = []
    areas: list[np.ndarray] = []
    for style, (words, texts) in asked.items():
        test = scored(bench.encoder, data, parts.test, data.classes, texts)
        valid = parts.valid and scored(bench.encoder, data, parts.valid, data.classes, texts)
        names = [ClassName(c.id, c.name, t[0]) for c, t in zip(data.classes, texts, strict=True)]
        result = score_classes(names, test, valid, bench.resampling)
        areas.append(result.macro_drawn["auc"].values[:, 0])
        rows.append(
            Row(
                id=style,
                name=words,
                kind="variant",
                n=len(test.labels),
                metrics={m: result.macro[m] for m in _METRICS},
                text=texts[0][0],
            )
        )
    return Outcome(
        data=describe(data, parts),
        metrics=_spread(rows, np.stack(areas, axis=1)),
        rows=tuple(rows),
        notes=(
            *notes(bench, data),
            "Every line is a macro figure over the same classes and images; only the wording "
            "differs. The shown text is that of the first class.",
        ),
    )


def _spread(rows: list[Row], drawn: np.ndarray) -> dict[str, Estimate]:
    """Return the best and worst macro AUC over the ways of asking, and their distance.

    The interval of the distance holds the two ways fixed: which is best is chosen on these images.
    """
    known = [
        (e.value, k) for k, row in enumerate(rows) if (e := row.metrics["auc"]).value is not None
    ]
    if not known:
        nothing = Estimate(value=None, reason="AUC is undefined for every way of asking")
        return {"auc_range": nothing}
    (low, worst), (high, best) = min(known), max(known)
    ends = interval(drawn[:, best] - drawn[:, worst])
    return {
        "auc_best": rows[best].metrics["auc"],
        "auc_worst": rows[worst].metrics["auc"],
        "auc_range": Estimate(value=high - low, low=ends.low, high=ends.high, reason=ends.reason),
    }


def task(card: Card) -> Task:
    """Make the task of one data set."""
    return Task(
        family="prompts",
        dataset=card.id,
        title=f"Prompt sensitivity, {card.name}",
        about="How far do the zero-shot figures hang on the wording of the question?",
        needs="texts",
        run=run,
        splits=("valid", "test"),
    )
