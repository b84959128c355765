"""What every tab works with."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from gpt_ie import Report, RulesEngine
from iki_knowledge import KnowledgeBase
from jaxtyping import UInt8

from medfilip_app.check import Check, check_report
from medfilip_app.errors import UploadError
from medfilip_app.loaded import Loaded
from medfilip_app.page.answers import Answers
from medfilip_app.page.gallery import Gallery
from medfilip_app.page.parts import MAX_TEXT

Checker = Callable[[Loaded, UInt8[np.ndarray, "S S"], Report], Check]

LIBRARY = "chestxray14"
"""The library of classes that the page begins with."""


@dataclass(frozen=True)
class Desk:
    """A run, the images that are open, and what reads reports.

    Attributes:
        loaded: The run.
        answers: What it says of images.
        gallery: The images.
        engine: What reads reports.
        checker: Judges a report by an image.
    """

    loaded: Loaded
    answers: Answers
    gallery: Gallery
    engine: RulesEngine
    checker: Checker

    @property
    def kb(self) -> KnowledgeBase:
        """The dictionary."""
        return self.loaded.kb

    def report(self, text: str) -> Report:
        """A report of what somebody typed.

        Raises:
            UploadError: If there is nothing in it, or too much.
        """
        if not text.strip():
            raise UploadError("paste a report first")
        if len(text) > MAX_TEXT:
            raise UploadError(f"the report is longer than {MAX_TEXT} characters")
        return Report("report", {"text": text})


def set_up(loaded: Loaded, checker: Checker | None = None) -> Desk:
    """Prepare a run for people, and ask it once for all that they ask first.

    Args:
        loaded: The run.
        checker: Judges a report by an image; None: `check_report`.
    """
    engine = RulesEngine(loaded.kb)

    def check(loaded: Loaded, pixels: UInt8[np.ndarray, "S S"], report: Report) -> Check:
        return check_report(loaded, pixels, report, engine=engine)

    answers, judge = Answers(loaded), checker or check
    answers.warm(LIBRARY)
    size = loaded.model.config.size
    judge(loaded, np.zeros((size, size), np.uint8), Report("first", {"text": "No pneumothorax."}))
    return Desk(loaded, answers, Gallery(size), engine, judge)
