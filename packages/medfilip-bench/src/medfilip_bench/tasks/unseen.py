"""A disease that no training image or text showed: COVID-19 by name and by explanation."""

from iki_knowledge import Finding
from medfilip_model.zeroshot import class_prompts

from medfilip_bench.baselines import baselines
from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.errors import DataError
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.predictions import Predictions
from medfilip_bench.protocols import category_prompt
from medfilip_bench.results import Estimate, Row
from medfilip_bench.scoring import ClassName, score_classes
from medfilip_bench.series import Series
from medfilip_bench.stats import interval
from medfilip_bench.tasks.judged import describe, judged, scored
from medfilip_bench.tasks.prompting import Texts
from medfilip_bench.tasks.task import Bench, Outcome, Task
from medfilip_bench.tasks.zero_shot import notes

CATEGORY = "covid19"
NOTES = (
    "Asked by “name and explanation” the model gets the mean of its training template over "
    "severities and sides, as classes do elsewhere.",
    "“Pneumonia” is what the paper asks by category name. AUC gain is by explanation minus by "
    "“Pneumonia”, with a paired bootstrap interval.",
)


def questions(bench: Bench) -> dict[ClassName, Texts]:
    """Return what the model is asked, in four ways: row -> texts."""
    kb, template = bench.kb, bench.encoder.loaded.template
    explanation = kb.text(Finding(category=CATEGORY), template="explanation")
    explained = class_prompts(kb, [CATEGORY], template or "paper")[CATEGORY]
    asked = {
        ("pneumonia", "name “Pneumonia”"): (category_prompt("Pneumonia"),),
        ("covid19", "name “COVID-19”"): (category_prompt("COVID-19"),),
        ("explanation", "explanation"): (explanation,),
        ("explained", "name and explanation"): explained,
    }
    return {ClassName(key, name, texts[0]): texts for (key, name), texts in asked.items()}


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Tell COVID-19 from everything else in the set, by each question."""
    parts, asked = judged(data), questions(bench)
    names, texts = list(asked), list(asked.values())
    covid = [_column(data)] * len(names)
    test = scored(bench.encoder, data, parts.test, covid, texts)
    valid = parts.valid and scored(bench.encoder, data, parts.valid, covid, texts)
    result = score_classes(names, test, valid, bench.resampling, kind="variant")
    chance = scored(bench.random, data, parts.test, covid[:1], texts[:1])
    chance_valid = parts.valid and scored(bench.random, data, parts.valid, covid[:1], texts[:1])
    floor = baselines(
        names[:1],
        chance,
        chance_valid,
        (chance.scores, None if chance_valid is None else chance_valid.scores),
        bench.resampling,
    )
    drawn, few = result.replicates["auc"], result.drawn["auc"].patients[0]
    gained = interval(drawn[:, 2] - drawn[:, 0], few)
    kept = [data.images.samples[row] for row in data.rows(parts.test)]
    seen = "COVID-19 is in no training image and in no training text." if data.phantom else None
    return Outcome(
        data=describe(data, parts),
        metrics={"auc_gain": Estimate.of(gain(result.rows), gained)},
        rows=result.rows + floor,
        series=Series(roc=result.roc, pr=result.pr),
        notes=(*notes(bench, data), *((seen,) if seen else ()), *NOTES),
        predictions=Predictions(
            ids=[sample.id for sample in kept],
            patients=[sample.patient_id for sample in kept],
            classes=[name.id for name in names],
            labels=test.labels,
            scores=test.scores,
        ),
    )


def _column(data: LabelledSet) -> LabelClass:
    for name in data.classes:
        if name.category == CATEGORY:
            return name
    raise DataError(f"{data.card.id} has no class {CATEGORY!r}; it has {data.classes!r}")


def gain(rows: tuple[Row, ...]) -> Measure:
    """Return the AUC by explanation minus the AUC by the name of the nearest seen class."""
    by_name, by_explanation = rows[0].metrics["auc"], rows[2].metrics["auc"]
    if by_name.value is None or by_explanation.value is None:
        return Measure.undefined(by_name.reason or by_explanation.reason or "undefined")
    return Measure(by_explanation.value - by_name.value)


def task(card: Card) -> Task:
    """Make the task of one data set with COVID-19 among its classes."""
    return Task(
        family="unseen",
        dataset=card.id,
        title=f"Unseen disease: COVID-19, {card.name}",
        about="Does the image show COVID-19, a class the model never saw? Asked by a category "
        "name, and by the dictionary's explanation of what it looks like.",
        needs="texts",
        run=run,
        splits=("valid", "test"),
        version=2,
    )
