"""KnowledgeBase: the dictionary as one frozen object whose methods delegate to pure functions."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from iki_knowledge import inject, resolve
from iki_knowledge.errors import UnknownCategoryError, UnknownNameError
from iki_knowledge.finding import Finding, Side, Trend
from iki_knowledge.schema import Attribute, Entry, Place, Template, Vocabulary


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class KnowledgeBase:
    """The dictionary with its vocabularies and crosswalks; made by `iki_knowledge.load_knowledge`.

    Iterating gives the category ids, as with a mapping; ``kb[id]`` gives the entry.

    Attributes:
        version: Version of the data, apart from the package's own; overlays add a content hash.
        entries: Categories by id.
        attributes: Every visual attribute, in a fixed order.
        vocabulary: Severities, regions, places and trends.
        crosswalks: Data set -> {the data set's own label: category id}.
        surfaces: Normalised surface form -> category id; every id, name and alias once.
        excluded: Normalised surface forms that contain one of `surfaces` and mean something else.
    """

    version: str
    entries: Mapping[str, Entry]
    attributes: tuple[Attribute, ...]
    vocabulary: Vocabulary
    crosswalks: Mapping[str, Mapping[str, str]]
    surfaces: Mapping[str, str]
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

    def severity(self, surface: str) -> str | None:
        """The canonical severity that a text names ("minimal" -> "trace"), or None."""
        return resolve.find_severity(surface, self.vocabulary)

    def place(self, surface: str) -> Place | None:
        """The side and region that a text names ("bibasilar" -> bilateral, base), or None."""
        return resolve.find_place(surface, self.vocabulary)

    def trend(self, surface: str) -> Trend | None:
        """The trend that a text names ("unchanged" -> "stable"), or None."""
        return resolve.find_trend(surface, self.vocabulary)

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

        The text of the severity comes first, then of the region, then of the side.

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
        """The text of a finding: "paper", "official", "category", "triplet" or "explanation".

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

    def attribute_matrix(self) -> tuple[tuple[str, ...], tuple[str, ...], list[list[int]]]:
        """Which category shows which visual attribute.

        Returns:
            Category ids [C], attribute ids [A], and the matrix [C, A] of 0 and 1.
        """
        names = tuple(attribute.id for attribute in self.attributes)
        shown = (set(entry.attributes) for entry in self.entries.values())
        return tuple(self.entries), names, [[int(name in row) for name in names] for row in shown]

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
