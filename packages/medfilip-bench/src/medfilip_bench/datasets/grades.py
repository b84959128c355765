"""Severities of MIMIC-FG: mild, moderate, severe, by the dictionary's ranks."""

from collections.abc import Sequence

from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.builders.subsets import GRADES as GRADE_OF_RANK

from medfilip_bench.datasets.labelled import LabelClass

GRADES = ("mild", "moderate", "severe")


def grade_of(finding: Finding, kb: KnowledgeBase) -> str | None:
    """Return the grade of a finding's severity; None where none is stated."""
    if finding.severity is None:
        return None
    return GRADE_OF_RANK[kb.vocabulary.severities[finding.severity].rank]


def graded_classes(categories: Sequence[str], kb: KnowledgeBase) -> tuple[LabelClass, ...]:
    """Return one class for each category and grade: ``severe pleural effusion``.

    Args:
        categories: The diseases.
        kb: Has their names.
    """
    return tuple(
        LabelClass(c, f"{grade} {kb[c].name}", grade) for c in categories for grade in GRADES
    )


def severity_words(category: str, grade: str, kb: KnowledgeBase) -> tuple[str, ...]:
    """Return the dictionary's severities of a category that mean a grade.

    A pleural effusion is ``trace`` or ``small`` where a pneumonia is ``mild``.

    Args:
        category: The disease.
        grade: One of `GRADES`.
        kb: Has its severities and their ranks.
    """
    ranks = kb.vocabulary.severities
    return tuple(
        word for word in kb[category].severities if GRADE_OF_RANK[ranks[word].rank] == grade
    )
