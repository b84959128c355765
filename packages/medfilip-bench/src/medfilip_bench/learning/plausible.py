"""What a report says of itself: how plausible its statements are without any image.

The floor of every check of reports against images: a check that is no better has not looked. Each
category is predicted from the others that the report names, by logistic regression on true reports;
sides and severities are as common as they are in those.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from iki_knowledge import Finding
from jaxtyping import Float
from sklearn.linear_model import LogisticRegression

# Reports that a category must be in, and missing from, to be predicted.
_FEWEST = 5


@dataclass(frozen=True)
class Plausibility:
    """How common statements are in true reports.

    Attributes:
        reports: What each true report states.
        categories: Categories that a report may state or omit.
    """

    reports: Sequence[Sequence[Finding]]
    categories: tuple[str, ...]
    _place: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Number the categories."""
        object.__setattr__(self, "_place", {c: n for n, c in enumerate(self.categories)})

    def doubts(self, stated: Sequence[Finding]) -> dict[str, float]:
        """Say how much the least plausible statement of each kind is doubted.

        Args:
            stated: The findings of one report.

        Returns:
            The kinds of `medfilip_model.statements.judge.Judged.doubts`, as log-odds.
        """
        table = self._table([stated])[0]
        found: dict[str, list[float]] = {}
        odds = self._log_odds(table)
        named = {finding.category for finding in stated}
        for finding in stated:
            place = self._place.get(finding.category)
            denied = finding.presence == "absent"
            if place is not None:
                doubt = odds[place] if denied else -odds[place]
                found.setdefault("denial" if denied else "presence", []).append(doubt)
            for slot in () if denied else ("side", "severity"):
                value = getattr(finding, slot)
                if value is not None:
                    doubt = -self._share(finding.category, slot, value)
                    found.setdefault(slot, []).append(doubt)
        unsaid = [odds[n] for c, n in self._place.items() if c not in named]
        if unsaid:
            found["omission"] = unsaid
        return {kind: float(max(values)) for kind, values in found.items()}

    def _table(self, reports: Sequence[Sequence[Finding]]) -> Float[np.ndarray, "N C"]:
        table = np.zeros((len(reports), len(self.categories)))
        for row, stated in enumerate(reports):
            for finding in stated:
                if finding.presence != "absent" and finding.category in self._place:
                    table[row, self._place[finding.category]] = 1
        return table

    @cached_property
    def _models(self) -> tuple[Float[np.ndarray, "C C"], Float[np.ndarray, " C"]]:
        """Weights of the other categories and the offset of each."""
        table = self._table(self.reports)
        weights, offsets = np.zeros((table.shape[1],) * 2), np.zeros(table.shape[1])
        for place in range(table.shape[1]):
            there = int(table[:, place].sum())
            if min(there, len(table) - there) < _FEWEST:
                offsets[place] = np.log((there + 1) / (len(table) - there + 1))
                continue
            others = np.delete(table, place, axis=1)
            fitted = LogisticRegression(max_iter=1000).fit(others, table[:, place])
            weights[place] = np.insert(fitted.coef_[0], place, 0.0)
            offsets[place] = float(fitted.intercept_[0])
        return weights, offsets

    def _log_odds(self, table: Float[np.ndarray, " C"]) -> Float[np.ndarray, " C"]:
        weights, offsets = self._models
        return weights @ table + offsets

    @cached_property
    def _counts(self) -> Mapping[tuple[str, str], Counter[str]]:
        found: dict[tuple[str, str], Counter[str]] = {}
        for stated in self.reports:
            for finding in stated:
                for slot in ("side", "severity"):
                    value = getattr(finding, slot)
                    if value is not None:
                        found.setdefault((finding.category, slot), Counter())[value] += 1
        return found

    def _share(self, category: str, slot: str, value: str) -> float:
        """Log-odds of a value among those that true reports state of the category."""
        known = self._counts.get((category, slot), Counter[str]())
        return float(np.log((known[value] + 1) / (known.total() - known[value] + 1)))
