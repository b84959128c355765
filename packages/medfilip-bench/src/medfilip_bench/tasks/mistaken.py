"""True reports and the same with a known mistake, and who doubts them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from gpt_ie import Report, RulesEngine
from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.data.samples import Split
from medfilip_model.phantom.mistakes import MISTAKES, Mistake, Mistaken
from medfilip_model.phantom.report import PhantomReport
from medfilip_model.statements.evidence import Reading
from medfilip_model.statements.fit import StatementFit
from medfilip_model.statements.judge import Judged, judge

from medfilip_bench.datasets.pool import PhantomPool
from medfilip_bench.learning.plausible import Plausibility


@dataclass(frozen=True)
class Pairs:
    """True reports and the same with one mistake, by image.

    Attributes:
        true: What each true report states.
        wrong: Mistake -> image -> what the report with it states, and the mistake itself.
        others: What the true reports of other images state, to learn from.
    """

    true: Sequence[tuple[Finding, ...]]
    wrong: Mapping[Mistake, Mapping[int, tuple[tuple[Finding, ...], Mistaken]]]
    others: Sequence[tuple[Finding, ...]]


@dataclass(frozen=True)
class Doubt:
    """How much a report is doubted: as a whole, and for the worst statement of each kind."""

    score: float
    kinds: Mapping[str, float]


Doubter = Callable[[int, Sequence[Finding]], Doubt]


def read_pairs(pool: PhantomPool, kb: KnowledgeBase, others: Split) -> Pairs:
    """Read the reports of the judged phantoms, true ones and wrong ones.

    Args:
        pool: The phantoms; nothing is drawn.
        kb: Dictionary.
        others: The split that may be learnt from.
    """
    engine = RulesEngine(kb)

    def read(report: PhantomReport) -> tuple[Finding, ...]:
        sections = {"findings": report.findings, "impression": report.impression}
        return engine.extract(Report("phantom", sections)).findings

    wrong: dict[Mistake, dict[int, tuple[tuple[Finding, ...], Mistaken]]] = {}
    for kind in MISTAKES:
        made = pool.mistaken(kind, kb)
        wrong[kind] = {image: (read(one.report), one) for image, one in enumerate(made) if one}
    true, rest = ([read(r) for _, r in pool.reported(split)] for split in ("test", others))
    return Pairs(true, wrong, rest)


def doubt(found: Judged) -> Doubt:
    """Return the doubts of a judged report."""
    return Doubt(found.score, found.doubts)


def by_text(plausible: Plausibility) -> Doubter:
    """Doubt a report by its text alone.

    Args:
        plausible: How common statements are.
    """

    def doubter(_: int, stated: Sequence[Finding]) -> Doubt:
        doubts = plausible.doubts(stated)
        return Doubt(max(doubts.values(), default=0.0), doubts)

    return doubter


def by_model(fit: StatementFit, readings: Sequence[Reading], kb: KnowledgeBase) -> Doubter:
    """Doubt a report by a model's readings of its image.

    Args:
        fit: How findings show in them.
        readings: Of each judged image.
        kb: Dictionary.
    """
    return lambda image, stated: doubt(judge(fit, readings[image], stated, kb))
