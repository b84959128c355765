"""KnowledgeBase: the dictionary as one frozen object whose methods delegate to pure functions."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from iki_knowledge import infer, inject, labels, resolve
from iki_knowledge.errors import UnknownCategoryError, UnknownNameError
from iki_knowledge.finding import Finding, Side, Trend
from iki_knowledge.infer import Inference, Neighbour
from iki_knowledge.schema import (
    Attribute,
    Chronicity,
    Entry,
    Hedge,
    Place,
    Reference,
    Template,
    Vocabulary,
)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class KnowledgeBase:
    """The dictionary with its vocabularies and crosswalks; made by `iki_knowledge.load_knowledge`.

    Iterating gives the category ids, as with a mapping; ``kb[id]`` gives the entry.

    Attributes:
        version: Version of the data, apart from the package's own; overlays add a content hash.
        entries: Categories by id.
        attributes: Every visual attribute, in a fixed order.
        vocabulary: Severities, regions, places, trends, hedges and chronicities.
        crosswalks: Data set -> {the data set's own label: category id}.
        unmapped: Data set -> {a label that names no category: why}.
        references: Publications and public data files by id.
        surfaces: Normalised surface form -> category id; every id, name and alias once.
        ambiguous: Normalised surface form -> every category that it may mean; the first is the
            one in `surfaces`.
        excluded: Normalised surface forms that contain one of `surfaces` and mean something else.
    """

    version: str
    entries: Mapping[str, Entry]
    attributes: tuple[Attribute, ...]
    vocabulary: Vocabulary
    crosswalks: Mapping[str, Mapping[str, str]]
    unmapped: Mapping[str, Mapping[str, str]]
    references: Mapping[str, Reference]
    surfaces: Mapping[str, str]
    ambiguous: Mapping[str, tuple[str, ...]]
    excluded: frozenset[str] = frozenset()

    def __getitem__(self, category: str) -> Entry:
        """The entry of a category id.

        Raises:
            UnknownCategoryError: With the nearest ids.
        """
        try:
            return self.entries[category]
        except KeyError:
            raise UnknownCategoryError("category", category, self.entries) from None

    def __contains__(self, category: object) -> bool:
        return category in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        return f"KnowledgeBase(version={self.version!r}, {len(self)} categories)"

    def resolve(self, surface: str) -> str | None:
        """The category that a surface form means, or that its longest known phrase means.

        Case, hyphens, plurals and British spelling do not matter. Negation is not read.

        Args:
            surface: E.g. ``"pleural fluid"``.

        Returns:
            E.g. ``"pleural_effusion"``; None when nothing is known.
        """
        found = resolve.find_category(surface, self.surfaces, self.excluded)
        return None if found is None else found[0]

    def readings(self, surface: str) -> tuple[str, ...]:
        """Every category that a surface form may mean, the likeliest first.

        Args:
            surface: E.g. ``"calcified nodule"``.

        Returns:
            What `resolve` returns, then the categories that declare the form ambiguous; empty when
            nothing is known. Only the whole form can be ambiguous.
        """
        found = self.resolve(surface)
        several = self.ambiguous.get(resolve.normalise(surface))
        return several or (() if found is None else (found,))

    def ancestors(self, category: str) -> tuple[str, ...]:
        """The broader categories, the nearest first: a finding is one of each of them too.

        Raises:
            UnknownCategoryError: For the category.
        """
        chain: list[str] = []
        parent = self[category].parent
        while parent is not None:
            chain.append(parent)
            parent = self.entries[parent].parent
        return tuple(chain)

    def severity(self, surface: str) -> str | None:
        """The canonical severity that a text names ("minimal" -> "trace"), or None."""
        return resolve.find_severity(surface, self.vocabulary)

    def place(self, surface: str) -> Place | None:
        """The side and region that a text names ("bibasilar" -> bilateral, base), or None."""
        return resolve.find_place(surface, self.vocabulary)

    def trend(self, surface: str) -> Trend | None:
        """The trend that a text names ("unchanged" -> "stable"), or None."""
        return resolve.find_trend(surface, self.vocabulary)

    def hedge(self, surface: str) -> Hedge | None:
        """How sure a text is ("suspicious for" -> "probable"), or None when it does not hedge."""
        return resolve.find_first(surface, self.vocabulary.hedges)

    def chronicity(self, surface: str) -> Chronicity | None:
        """The chronicity that a text names ("long-standing" -> "chronic"), or None."""
        return resolve.find_first(surface, self.vocabulary.chronicities)

    def within(self, inner: Place, outer: Place) -> bool:
        """Whether a place lies inside another one, or is the same.

        The regions are a tree (lung -> lower zone -> base); the side narrows each of them, so that
        the right base lies inside the right lung and inside the base, and neither side contains
        "bilateral".

        Args:
            inner: Side and region, either of which may be missing.
            outer: Side and region; a missing one contains every value.

        Returns:
            True when `inner` lies inside.
        """
        return resolve.within(inner, outer, self.vocabulary)

    def finding(self, text: str) -> Finding | None:
        """Read one affirmative phrase, such as "small right pleural effusion", as a finding.

        Negation and uncertainty are not read (gpt-ie does that): presence stays "present".

        Args:
            text: A phrase that names one category.

        Returns:
            The finding, or None when the phrase names no category.
        """
        found = resolve.find_category(text, self.surfaces, self.excluded)
        if found is None:
            return None
        # The category's own words may place it ("rib fracture"), but are no severity and no trend
        # ("increased interstitial markings").
        category, rest = found
        place = self.place(text) or Place()
        return Finding(
            category=category,
            severity=self.severity(rest),
            side=place.side,
            region=place.region,
            trend=self.trend(rest),
        )

    def explain(
        self,
        category: str,
        *,
        severity: str | None = None,
        side: Side | None = None,
        region: str | None = None,
    ) -> str:
        """The explanation of a category, or of its subclass where the dictionary has one.

        The text of the severity comes first, then of side and region together, then of the region,
        then of the side.

        Args:
            category: Category id.
            severity: Canonical severity.
            side: "left", "right" or "bilateral".
            region: Region id.

        Returns:
            One or two sentences.

        Raises:
            UnknownCategoryError: For the category.
            UnknownNameError: For a severity, side or region outside the vocabulary.
        """
        entry = self[category]
        self._check_terms(severity, side, region)
        return inject.explanation(
            entry, self.vocabulary, severity=severity, side=side, region=region
        )

    def text(self, finding: Finding, template: Template = "paper") -> str:
        """The text of a finding by one of the templates.

        See `iki_knowledge.inject.render` for the templates.

        Args:
            finding: With canonical severity and region.
            template: Name of the template.

        Returns:
            One line.

        Raises:
            UnknownCategoryError: For the category.
            UnknownNameError: For a severity, region or template that does not exist.
        """
        entry = self[finding.category]
        _check("template", template, get_args(Template))
        self._check_terms(finding.severity, finding.side, finding.region)
        return inject.render(finding, entry, self.vocabulary, template)

    def classes(self, dataset: str) -> dict[str, str]:
        """The classes of a data set.

        "No Finding" and labels that name nothing visible have no category and are left out.

        Args:
            dataset: E.g. ``"chestxray14"``; `crosswalks` lists them.

        Returns:
            The data set's own label -> category id, in the data set's order.

        Raises:
            UnknownNameError: With the data sets that exist.
        """
        _check("data set", dataset, self.crosswalks)
        return dict(self.crosswalks[dataset])

    def read_label(self, dataset: str, label: str) -> Finding | None:
        """The finding that a data set's own label names.

        The MeSH codes of Open-i (data set ``"openi_mesh"``) may carry qualifiers, which give the
        severity and the place: ``"Airspace Disease/lung/base/left/severe"``.

        Args:
            dataset: E.g. ``"chestxray14"``.
            label: The label as written there.

        Returns:
            The finding; None when the label names no category.

        Raises:
            UnknownNameError: With the data sets that exist.
        """
        nothing: dict[str, str | None] = dict.fromkeys(self.unmapped.get(dataset, ()))
        return labels.read_label(label, nothing | self.classes(dataset), self.vocabulary)

    def attribute_matrix(self) -> tuple[tuple[str, ...], tuple[str, ...], list[list[int]]]:
        """Which category shows which visual attribute.

        Returns:
            Category ids [C], attribute ids [A], and the matrix [C, A] of 0 and 1.
        """
        names = tuple(attribute.id for attribute in self.attributes)
        shown = (set(entry.attributes) for entry in self.entries.values())
        return tuple(self.entries), names, [[int(name in row) for name in names] for row in shown]

    def nearest(self, category: str, k: int = 5) -> tuple[Neighbour, ...]:
        """The categories that look most alike, by attributes.

        Args:
            category: Category id.
            k: How many.

        Returns:
            The nearest first, each with what is shared and what is not.

        Raises:
            UnknownCategoryError: For the category.
        """
        return infer.neighbours(self[category].id, self.entries)[:k]

    def infer(self, attribute_scores: Mapping[str, float]) -> tuple[Inference, ...]:
        """From attributes to categories and subclasses; see `iki_knowledge.infer.infer`.

        Args:
            attribute_scores: Attribute id -> probability in [0, 1] that the image shows it. What is
                left out counts as not known.

        Returns:
            Every category, the most probable first, with the attributes that decided.

        Raises:
            UnknownNameError: For an attribute that does not exist.
            ValueError: For a score outside [0, 1].
        """
        names = {attribute.id for attribute in self.attributes}
        for name, score in attribute_scores.items():
            _check("attribute", name, names)
            if not 0 <= score <= 1:
                raise ValueError(f"score of {name!r} is {score!r}; it must lie in [0, 1]")
        return infer.infer(attribute_scores, self.entries)

    def _check_terms(self, severity: str | None, side: str | None, region: str | None) -> None:
        if severity is not None:
            _check("severity", severity, self.vocabulary.severities)
        if side is not None:
            _check("side", side, get_args(Side))
        if region is not None:
            _check("region", region, self.vocabulary.regions)


def _check(what: str, value: str, allowed: Collection[str]) -> None:
    if value not in allowed:
        raise UnknownNameError(what, value, allowed)
