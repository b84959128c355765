"""A disease that no training image or text showed: COVID-19 by name and by explanation."""

from collections.abc import Sequence

from iki_knowledge import Finding
from medfilip_model.zeroshot import class_prompts

from medfilip_bench.baselines import baselines
from medfilip_bench.metrics.measure import Measure
from medfilip_bench.protocols import category_prompt
from medfilip_bench.results import Estimate, Row, Series
from medfilip_bench.scoring import ClassName, score_classes
from medfilip_bench.sets import describe
from medfilip_bench.stats import interval
from medfilip_bench.tasks.task import Bench, Outcome, Task, scored

CATEGORY = "covid19"


def questions(bench: Bench) -> dict[ClassName, tuple[str, ...]]:
    """Return what the model is asked, in four ways: row -> texts."""
    kb = bench.kb
    explanation = kb.text(Finding(category=CATEGORY), template="explanation")
    explained = class_prompts(kb, [CATEGORY], bench.encoder.loaded.template)[CATEGORY]
    asked = {
        ("pneumonia", "name “Pneumonia”"): (category_prompt("Pneumonia"),),
        ("covid19", "name “COVID-19”"): (category_prompt("COVID-19"),),
        ("explanation", "explanation"): (explanation,),
        ("explained", "name and explanation"): explained,
    }
    return {ClassName(key, name, texts[0]): texts for (key, name), texts in asked.items()}


def run(bench: Bench) -> Outcome:
    """Tell COVID-19 phantoms from seen classes and normal, by each question."""
    test, valid = bench.phantoms.covid("test"), bench.phantoms.covid("valid")
    asked = questions(bench)
    names, texts = list(asked), list(asked.values())
    truth = [CATEGORY] * len(names)
    on_test = scored(bench.encoder, test, truth, texts)
    on_valid = scored(bench.encoder, valid, truth, texts)
    result = score_classes(names, on_test, on_valid, bench.resampling, kind="variant")
    chance, chance_valid = (
        scored(bench.random, images, truth[:1], texts[:1]) for images in (test, valid)
    )
    drawn = result.replicates["auc"]
    return Outcome(
        data=describe(
            test, valid, phantom=True, split="held-out phantoms, half COVID-19, half seen or normal"
        ),
        metrics={"auc_gain": Estimate.of(gain(result.rows), interval(drawn[:, 2] - drawn[:, 0]))},
        rows=result.rows
        + baselines(
            names[:1], chance, chance_valid, (chance.scores, chance_valid.scores), bench.resampling
        ),
        series=Series(roc=result.roc),
        notes=(
            "Asked by “name and explanation” the model gets the mean of the training template over "
            "severities and sides, as the seen classes do elsewhere.",
            "COVID-19 is in no training image and in no training text.",
            "“Pneumonia” is what the paper asks by category name. AUC gain is by explanation minus "
            "by “Pneumonia”, with a paired bootstrap interval.",
        ),
    )


def gain(rows: Sequence[Row]) -> Measure:
    """Return the AUC by explanation minus the AUC by the name of the nearest seen class."""
    by_name, by_explanation = rows[0].metrics["auc"], rows[2].metrics["auc"]
    if by_name.value is None or by_explanation.value is None:
        return Measure.undefined(by_name.reason or by_explanation.reason or "undefined")
    return Measure(by_explanation.value - by_name.value)


TASK = Task(
    name="unseen",
    title="Unseen disease: COVID-19",
    about="Does the image show COVID-19, a class the model never saw? Asked by a category name, "
    "and by the dictionary's explanation of what it looks like.",
    phantom=True,
    run=run,
)
