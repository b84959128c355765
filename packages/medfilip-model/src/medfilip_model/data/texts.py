"""Findings or reports → the unique texts of a training set, and which image has which."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from iki_knowledge import Finding, KnowledgeBase, Template

from medfilip_model.data.samples import ImageSet, Sample
from medfilip_model.errors import DataError

TextKind = Literal["findings", "report"]

# What a drawn text may look like; "radiograph" is a prompt of the baselines, not of training.
_TEMPLATES: tuple[Template, ...] = ("category", "triplet", "paper", "explanation", "official")
# (text, category) of each thing that an image's texts say.
_Said = list[tuple[str, str]]


@dataclass(frozen=True)
class TextTable:
    """The unique texts of a training set and which row has which.

    Attributes:
        texts: Unique texts.
        groups: Category of each text, for a mask within categories; empty for the text of an image
            without findings and for reports, which are of no one category.
        rows: Row of the image set -> positions in `texts`; rows of which nothing certain is known,
            or that have no report, are missing.
        variants: Position -> positions of the texts that may stand for it, itself among them; a
            position that is missing stands for itself alone.
    """

    texts: tuple[str, ...]
    groups: tuple[str, ...]
    rows: Mapping[int, tuple[int, ...]]
    variants: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    def draw(self, row: int, rng: np.random.Generator | None = None) -> tuple[int, ...]:
        """The texts of a row, each drawn among its variants.

        Args:
            row: A row that the table knows.
            rng: Source of the draws; None takes every text as it stands in `rows`.

        Returns:
            Positions in `texts`, none twice.
        """
        own = self.rows[row]
        if rng is None or not self.variants:
            return own
        drawn = (self._one(position, rng) for position in own)
        return tuple(dict.fromkeys(drawn))

    def _one(self, position: int, rng: np.random.Generator) -> int:
        among = self.variants.get(position, (position,))
        return among[int(rng.integers(len(among)))]


class _Positions(dict[str, int]):
    """Text -> position, in order of first mention, with the group of each."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: list[str] = []

    def place(self, text: str, group: str) -> int:
        if text not in self:
            self[text] = len(self)
            self.groups.append(group)
        return self[text]


def build_texts(
    images: ImageSet,
    rows: Sequence[int],
    kb: KnowledgeBase,
    *,
    template: Template,
    normal: str,
    text: TextKind = "findings",
    augment: bool = False,
) -> TextTable:
    """Turn the findings, or the reports, of some rows into texts.

    Each affirmed finding of an image is a text of its own (the paper's decoupled labels). An image
    without any finding gets the text `normal`: ours, since the paper lists positives only, which
    would leave such an image without a target: no softmax row, and nothing in the batch
    that says what it shows rather than what it does not. A row with doubtful findings alone is
    neither normal nor positive and is left out. As reports, a row's only text is its whole report,
    and a row without one is left out.

    Args:
        images: The images.
        rows: Rows to use.
        kb: Dictionary.
        template: Template of `KnowledgeBase.text`.
        normal: Text of an image without findings.
        text: What an image's texts are.
        augment: Whether other ways to write each finding are put into the table, to be drawn from:
            every template, and with the severity or the place left out.

    Returns:
        The table.

    Raises:
        DataError: If no row has a finding, or none has a report.
    """
    say = _reader(kb, text, template, normal)
    places = _Positions()
    table: dict[int, tuple[int, ...]] = {}
    for row in rows:
        said = dict(say(images.samples[row]))
        if said:
            table[row] = tuple(places.place(text, group) for text, group in said.items())
    if not set(places) - {normal}:
        raise DataError(_NOTHING[text].format(count=len(rows)))
    variants: dict[int, tuple[int, ...]] = {}
    if augment and text == "findings":
        present = {f: None for row in table for f in images.samples[row].present}
        variants = _all_variants(present, kb, template, places)
    return TextTable(tuple(places), tuple(places.groups), table, variants)


_NOTHING: Mapping[TextKind, str] = {
    "findings": "none of the {count} training images has a finding: there is nothing to learn",
    "report": "none of the {count} training images has a report: "
    "set data.text to 'findings', or give images with reports",
}


def _reader(
    kb: KnowledgeBase, text: TextKind, template: Template, normal: str
) -> Callable[[Sample], _Said]:
    def findings(sample: Sample) -> _Said:
        if sample.normal:
            return [(normal, "")]
        return [(kb.text(finding, template), finding.category) for finding in sample.present]

    def report(sample: Sample) -> _Said:
        words = " ".join((sample.report or "").split())
        return [(words, "")] if words else []

    return report if text == "report" else findings


def _all_variants(
    findings: Mapping[Finding, None], kb: KnowledgeBase, template: Template, places: _Positions
) -> dict[int, tuple[int, ...]]:
    """The variants of every finding by the position of its text as the template writes it."""
    variants: dict[int, dict[int, None]] = {}
    for finding in findings:
        own = places[kb.text(finding, template)]
        written = variants.setdefault(own, {own: None})
        for text in finding_variants(finding, kb):
            written[places.place(text, finding.category)] = None
    return {own: tuple(written) for own, written in variants.items()}


def finding_variants(finding: Finding, kb: KnowledgeBase) -> tuple[str, ...]:
    """All ways to write a finding: five templates, whole and with severity or place left out.

    What is left out is never contradicted: a "small left-sided pleural effusion" is a
    "left-sided pleural effusion" and a "small pleural effusion" too.
    """
    unplaced: dict[str, None] = {"side": None, "region": None}
    shorter = [{}, {"severity": None}, unplaced, {"severity": None, **unplaced}]
    written = (
        kb.text(finding.model_copy(update=less), template)
        for less in shorter
        for template in _TEMPLATES
    )
    return tuple(dict.fromkeys(written))
