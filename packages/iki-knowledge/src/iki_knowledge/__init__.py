"""A dictionary of chest-radiograph findings: each category explained by its visual attributes."""

from iki_knowledge.errors import (
    IkiError,
    KnowledgeFileError,
    UnknownCategoryError,
    UnknownNameError,
)
from iki_knowledge.finding import Finding, Presence, Side, Trend
from iki_knowledge.infer import Inference, Neighbour
from iki_knowledge.knowledge import KnowledgeBase
from iki_knowledge.load import load_knowledge
from iki_knowledge.resolve import normalise
from iki_knowledge.schema import (
    Attribute,
    AttributeKind,
    Chronicity,
    Code,
    CodeSystem,
    Entry,
    Hedge,
    Match,
    Place,
    Reference,
    Region,
    Severity,
    Subclass,
    Template,
    Vocabulary,
)

__all__ = [
    "Attribute",
    "AttributeKind",
    "Chronicity",
    "Code",
    "CodeSystem",
    "Entry",
    "Finding",
    "Hedge",
    "IkiError",
    "Inference",
    "KnowledgeBase",
    "KnowledgeFileError",
    "Match",
    "Neighbour",
    "Place",
    "Presence",
    "Reference",
    "Region",
    "Severity",
    "Side",
    "Subclass",
    "Template",
    "Trend",
    "UnknownCategoryError",
    "UnknownNameError",
    "Vocabulary",
    "load_knowledge",
    "normalise",
]
