"""Zero-shot of many classes at once: shared by the phantom task and by folders of real images."""

from collections.abc import Mapping, Sequence

from medfilip_model.data import ImageSet
from medfilip_model.zeroshot import class_prompts, with_narrower

from medfilip_bench.baselines import baselines
from medfilip_bench.results import DataInfo, Row, Series
from medfilip_bench.scoring import ClassName, score_classes
from medfilip_bench.tasks.task import Bench, Outcome, score_images, scored


def multi_label(
    bench: Bench,
    test: ImageSet,
    valid: ImageSet | None,
    classes: Mapping[str, str],
    data: DataInfo,
    notes: Sequence[str],
    *,
    kinds: bool = False,
) -> Outcome:
    """Score every class of every image.

    Args:
        bench: What every task is given.
        test: The images that are judged.
        valid: Where held-out thresholds come from.
        classes: Name as the data set writes it -> category id.
        data: What the record says of the data.
        notes: What a reader must know.
        kinds: Whether the truth is of findings, each of which is one of its broader classes too;
            such a class is then asked for by the texts of its kinds as well. Labels of a data set
            are taken as they are.
    """
    categories = list(dict.fromkeys(classes.values()))
    written: dict[str, str] = {}
    for name, category in classes.items():
        written.setdefault(category, name)
    prompts = class_prompts(bench.kb, categories, bench.encoder.loaded.template)
    kb = bench.kb if kinds else None
    if kb is not None:
        prompts = with_narrower(prompts, kb)
    texts = list(prompts.values())
    names = [ClassName(c, written[c], prompts[c][0]) for c in categories]
    on_test = scored(bench.encoder, test, categories, texts, kb=kb)
    on_valid = None if valid is None else scored(bench.encoder, valid, categories, texts, kb=kb)
    result = score_classes(names, on_test, on_valid, bench.resampling)
    random = (
        score_images(bench.random, test, texts),
        None if valid is None else score_images(bench.random, valid, texts),
    )
    rows = baselines(names, on_test, on_valid, random, bench.resampling)
    return Outcome(
        data=data,
        metrics=result.macro,
        rows=result.rows + rows,
        series=Series(roc=result.roc),
        notes=(*notes, *_undefined(result.rows)),
    )


def _undefined(rows: Sequence[Row]) -> tuple[str, ...]:
    """Say which classes the macro figures leave out, where they leave out any."""
    notes: list[str] = []
    for metric, words in (("auc", "AUC and AP"), ("f1@held-out", "Held-out figures")):
        without = [row.name for row in rows if row.metrics[metric].value is None]
        if without:
            notes.append(
                f"{words} are macro figures over the {len(rows) - len(without)} of {len(rows)} "
                f"classes that are defined; without: {', '.join(without)} (reasons in the table)."
            )
    return tuple(notes)
