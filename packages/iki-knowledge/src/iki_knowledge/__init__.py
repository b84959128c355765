"""A dictionary of chest-radiograph findings: each category explained by its visual attributes."""

from iki_knowledge.errors import (
    IkiError,
    KnowledgeFileError,
    UnknownCategoryError,
    UnknownNameError,
)
from iki_knowledge.finding import Finding, Presence, Side, Trend
from iki_knowledge.knowledge import KnowledgeBase
from iki_knowledge.load import load_knowledge
from iki_knowledge.resolve import normalise
from iki_knowledge.schema import (
    Attribute,
    AttributeKind,
    Entry,
    Place,
    Region,
    Severity,
    Template,
    Vocabulary,
)

__all__ = [
    "Attribute",
    "AttributeKind",
    "Entry",
    "Finding",
    "IkiError",
    "KnowledgeBase",
    "KnowledgeFileError",
    "Place",
    "Presence",
    "Region",
    "Severity",
    "Side",
    "Template",
    "Trend",
    "UnknownCategoryError",
    "UnknownNameError",
    "Vocabulary",
    "load_knowledge",
    "normalise",
]
