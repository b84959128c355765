"""What a model is asked for each class of a data set."""

from collections.abc import Sequence

from iki_knowledge import Finding, KnowledgeBase, Template
from medfilip_model.zeroshot import class_prompts, with_narrower

from medfilip_bench.datasets.grades import severity_words
from medfilip_bench.datasets.labelled import LabelClass
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.protocols import category_prompt

Texts = tuple[str, ...]


def class_texts(
    loaded: LoadedModel, kb: KnowledgeBase, classes: Sequence[LabelClass], *, kinds: bool = False
) -> list[Texts]:
    """Return the texts that stand for each class.

    A model that was trained with texts of the dictionary is asked by its own template, over the
    category's severities and sides; a graded class by its own severity. Any other model is asked
    as the paper asks its baselines.

    Args:
        loaded: The model.
        kb: The dictionary.
        classes: The classes.
        kinds: Whether a class is asked for by the texts of its kinds too, as where the truth counts
            them (phantoms).
    """
    if loaded.template is None:
        return [(category_prompt(name.name.replace("_", " ").lower()),) for name in classes]
    plain = list(dict.fromkeys(c.category for c in classes if c.severity is None))
    prompts = class_prompts(kb, plain, loaded.template)
    if kinds:
        prompts = with_narrower(prompts, kb)
    return [
        graded_texts(kb, c.category, c.severity, loaded.template)
        if c.severity is not None
        else prompts[c.category]
        for c in classes
    ]


def graded_texts(kb: KnowledgeBase, category: str, severity: str, template: Template) -> Texts:
    """Return the texts of one grade of a category: over the sides, and over equal severities.

    Args:
        kb: The dictionary.
        category: Category id.
        severity: Grade: ``mild`` asks for trace and small effusions too.
        template: Template of `KnowledgeBase.text`.
    """
    equal = severity_words(category, severity, kb) or (severity,)
    findings = [
        Finding(category=category, severity=name, side=side)
        for name in equal
        for side in (None, "left", "right", "bilateral")
    ]
    return tuple(dict.fromkeys(kb.text(finding, template) for finding in findings))
