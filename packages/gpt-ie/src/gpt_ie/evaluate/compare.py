"""The loop of an evaluation: predictions beside the gold, report by report."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict, Unpack

from iki_knowledge import Finding, KnowledgeBase, load_knowledge

from gpt_ie.evaluate.evaluation import NOTHING, Evaluation, NormalReports, Unsupported
from gpt_ie.evaluate.matching import POSITIVE, Matcher, assign, literal_positives
from gpt_ie.evaluate.metrics import Bootstrap, Scored, Triple, macro_f1
from gpt_ie.evaluate.slots import (
    pair_within_categories,
    presences,
    slot_counts,
    slot_kinds,
)
from gpt_ie.gold import Gold, gold_of_findings
from gpt_ie.schema import ExtractedFinding, GptIeError, ReportFindings
from gpt_ie.store import read_findings

_SUMMARIES = ("category", "category_relaxed", "triplet", "triplet_literal", "triplet_relaxed")


class EvaluateError(GptIeError):
    """Predictions and gold cannot be compared."""


class ScoreOptions(TypedDict, total=False):
    """The options of `score`."""

    kb: KnowledgeBase | None
    resamples: int
    seed: int


def evaluate(pred: Path, gold: Gold | Path, **options: Unpack[ScoreOptions]) -> Evaluation:
    """Compare a ``findings.jsonl`` with a gold.

    Args:
        pred: The predictions.
        gold: From `gpt_ie.gold`, or another ``findings.jsonl`` that is taken for true.
        **options: As of `score`.

    Returns:
        The evaluation.

    Raises:
        EvaluateError: When a report was predicted twice, or no report is in both.
        GoldError: When the gold has no report or one twice.
        StoreError: When a file is not in the format.
    """
    if isinstance(gold, Path):
        gold = gold_of_findings(read_findings(gold), str(gold))
    return score(read_findings(pred), gold, **options)


def score(
    records: Iterable[ReportFindings],
    gold: Gold,
    *,
    kb: KnowledgeBase | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Compare predictions, from memory or a stream, with a gold.

    Args:
        records: The predictions, one a report; read once.
        gold: What is true.
        kb: The dictionary; None for the packaged one.
        resamples: Of the bootstrap over reports; 0 for no intervals.
        seed: Of the bootstrap.

    Returns:
        The evaluation.

    Raises:
        EvaluateError: When a report was predicted twice, or no report is in both.
    """
    kb = load_knowledge() if kb is None else kb
    tally = _Tally(gold, kb)
    for record in records:
        tally.add(record)
    return tally.result(Bootstrap(len(gold.findings), resamples, seed), resamples, seed)


class _Tally:
    """Counts, report by report. What a report holds is forgotten when it is counted."""

    def __init__(self, gold: Gold, kb: KnowledgeBase) -> None:
        self._gold = gold
        self._kb = kb
        self._matcher = Matcher(kb)
        self._rows = {name: row for row, name in enumerate(gold.findings)}
        self._todo = set(gold.findings)
        self._engines: dict[str, None] = {}
        self._extra = 0
        self._out_of_scope: Counter[str] = Counter()
        self._summaries: dict[str, dict[int, Triple]] = {name: {} for name in _SUMMARIES}
        self._by_category: defaultdict[str, dict[int, Triple]] = defaultdict(dict)
        self._slots: Counter[tuple[str, str]] = Counter()
        self._presence: Counter[tuple[str, str]] = Counter()
        self._normal: dict[int, int] = {}
        self._normal_categories: Counter[str] = Counter()
        self._findings = 0
        self._unsupported: Counter[str] = Counter()
        self._confusion: Counter[tuple[str, str]] = Counter()

    def add(self, record: ReportFindings) -> None:
        name = record.report_id
        self._engines.setdefault(record.engine)
        if name not in self._rows:
            self._extra += 1
            return
        if name not in self._todo:
            raise EvaluateError(f"report {name!r} was predicted twice; keep one of them")
        self._todo.remove(name)
        self._findings += len(record.findings)
        self._unsupported.update(filter(None, map(unsupported_reason, record.findings)))
        in_scope = [finding for finding in record.findings if self._in_scope(finding)]
        self._compare(name, in_scope)

    def _in_scope(self, finding: ExtractedFinding) -> bool:
        scope = self._gold.scope
        if scope is None or finding.category in scope:
            return True
        if scope & self._matcher.above(finding.category):
            return True
        if finding.presence in POSITIVE:
            self._out_of_scope[finding.category] += 1
        return False

    def _compare(self, name: str, found: Iterable[Finding]) -> None:
        """Count one report.

        Args:
            name: Its id.
            found: What was said, within the gold's scope.
        """
        row = self._rows[name]
        found = list(found)
        gold = self._matcher.positives(self._gold.findings[name])
        said = self._matcher.positives(found, self._gold.severities)
        categories = sorted({one.category for one in gold}), sorted({one.category for one in said})
        self._count("category", row, *categories, {*categories[0]} & {*categories[1]})
        related = assign(*categories, self._matcher.related)
        self._count("category_relaxed", row, *categories, related)
        self._count("triplet", row, gold, said, set(gold) & set(said))
        literal = literal_positives(self._gold.findings[name]), literal_positives(found)
        self._count("triplet_literal", row, *literal, {*literal[0]} & {*literal[1]})
        relaxed = assign(gold, said, self._matcher.relaxed)
        self._count("triplet_relaxed", row, gold, said, relaxed)
        for category in {*categories[0], *categories[1]}:
            true, positive = category in categories[0], category in categories[1]
            cell = (int(true and positive), int(positive and not true), int(true and not positive))
            self._by_category[category][row] = cell
        for pair in pair_within_categories(gold, said):
            self._slots.update(slot_kinds(*pair, self._matcher).items())
        self._confusion.update(confused(*categories, self._matcher))
        if name in self._gold.normal:
            self._normal[row] = len(said)
            self._normal_categories.update(one.category for one in said)
        if self._gold.states_absent:
            true, given = presences(self._gold.findings[name]), presences(found)
            self._presence.update((true[key], given[key]) for key in true if key in given)

    def _count(
        self, summary: str, row: int, gold: Iterable[object], said: Iterable[object], hits: object
    ) -> None:
        pairs = len(hits) if isinstance(hits, set | dict) else 0
        cell = (pairs, sum(1 for _ in said) - pairs, sum(1 for _ in gold) - pairs)
        if any(cell):
            self._summaries[summary][row] = cell

    def result(self, bootstrap: Bootstrap, resamples: int, seed: int) -> Evaluation:
        if len(self._todo) == len(self._rows):
            raise EvaluateError(
                f"no report is both among the predictions and in {self._gold.name}: are the ids "
                "the same?"
            )
        missing = len(self._todo)
        for name in sorted(self._todo):
            self._compare(name, ())
        by_category = {
            name: bootstrap.score(cells) for name, cells in sorted(self._by_category.items())
        }
        macro, common = macro_f1(by_category)
        normal = [self._rows[name] for name in self._gold.normal]
        unsupported = sum(self._unsupported.values())
        return Evaluation(
            gold=self._gold.name,
            engines=tuple(self._engines),
            knowledge=self._kb.version,
            reports=len(self._rows),
            missing=missing,
            extra=self._extra,
            out_of_scope=dict(self._out_of_scope.most_common()),
            unread=dict(Counter(self._gold.unread).most_common()),
            **{name: bootstrap.score(cells) for name, cells in self._summaries.items()},
            by_category=dict(sorted(by_category.items(), key=lambda item: _by_support(*item))),
            macro_f1=macro,
            macro_categories=common,
            slots=slot_counts(self._slots),
            presence=dict(self._presence) if self._gold.states_absent else None,
            normal=NormalReports(
                reports=len(normal),
                with_findings=sum(1 for count in self._normal.values() if count),
                findings=sum(self._normal.values()),
                rate=bootstrap.mean(self._normal, sorted(normal)),
                by_category=dict(self._normal_categories.most_common()),
            ),
            unsupported=Unsupported(self._findings, unsupported, dict(self._unsupported)),
            confusion=dict(self._confusion),
            resamples=resamples,
            seed=seed,
        )


def unsupported_reason(finding: ExtractedFinding) -> str | None:
    """Why a finding is not borne by its report; None when it is."""
    return finding.unsupported or (None if finding.evidence else "no_evidence")


def confused(gold: Iterable[str], said: Iterable[str], matcher: Matcher) -> list[tuple[str, str]]:
    """Each category of a report with what stands for it on the other side.

    Args:
        gold: Categories of the gold.
        said: Categories that were said.
        matcher: Relates them.

    Returns:
        Equal ones with themselves; of the others those that are related, then those of one
        anatomical group; the rest with `NOTHING`.
    """
    left, right = sorted(gold), sorted(said)
    pairs: list[tuple[str, str]] = []
    for matches in (
        lambda a, b: a == b,
        matcher.related,
        lambda a, b: bool(matcher.group(a)) and matcher.group(a) == matcher.group(b),
    ):
        found = assign(left, right, matches)
        pairs += [(left[i], right[k]) for i, k in found.items()]
        left = [name for i, name in enumerate(left) if i not in found]
        right = [name for k, name in enumerate(right) if k not in found.values()]
    return pairs + [(name, NOTHING) for name in left] + [(NOTHING, name) for name in right]


def _by_support(name: str, scored: Scored) -> tuple[int, str]:
    return -(scored.counts.hit + scored.counts.missed), name
