"""Names of the dictionary as people write them, escaped for HTML."""

from html import escape

from iki_knowledge import KnowledgeBase

PRESENCE = {"present": "● present", "absent": "○ denied", "uncertain": "◐ uncertain"}
"""A symbol and a word for each presence: colour alone does not reach everybody."""


def category_name(kb: KnowledgeBase, category: str) -> str:
    """The preferred name of a category, e.g. ``"pleural effusion"``."""
    return escape(kb[category].name)


def region_name(kb: KnowledgeBase, region: str | None) -> str:
    """The name of a region; empty for none."""
    return "" if region is None else escape(kb.vocabulary.regions[region].name)


def spaced(key: str) -> str:
    """An id in words: ``"left upper_lobe"`` is "left upper lobe"."""
    return escape(key.replace("_", " "))
