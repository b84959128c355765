"""Reports that say something wrong of their image, in a known way."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from iki_knowledge import KnowledgeBase
from iki_knowledge.finding import Finding, Side

from medfilip_model.phantom import phrases
from medfilip_model.phantom.config import INCIDENTAL_CATEGORIES, PhantomConfig
from medfilip_model.phantom.effects import deform
from medfilip_model.phantom.generate import plan_phantom, streams
from medfilip_model.phantom.kinds import KINDS
from medfilip_model.phantom.planned import Planned, draw_finding, one_of
from medfilip_model.phantom.render import REPORT
from medfilip_model.phantom.report import PhantomReport, write_report

Mistake = Literal["added", "omitted", "side", "severity", "negation"]
MISTAKES: tuple[Mistake, ...] = get_args(Mistake)
"""A finding that is not there; one that is there and not told of; one told of on the other side;
with another severity; denied."""

# Random streams of their own: the image and the true report stay as they are.
_STREAM = 1000
_OTHER: dict[str | None, Side] = {"left": "right", "right": "left"}
# Lobes that one lung alone has, and what corresponds to them.
_ACROSS = {"lingula": "middle_lobe", "middle_lobe": "lingula"}


@dataclass(frozen=True)
class Mistaken:
    """A report with one mistake.

    Attributes:
        kind: Which.
        report: What it says.
        true: The finding that the image shows; None where one was added.
        said: What the report makes of it; None where it was omitted.
    """

    kind: Mistake
    report: PhantomReport
    true: Finding | None
    said: Finding | None


def make_mistake(
    config: PhantomConfig, index: int, kind: Mistake, kb: KnowledgeBase
) -> Mistaken | None:
    """Write a phantom's report anew with one mistake in it.

    Mistakes are made about classes, never about old scars and devices. A finding that is added has
    a category that the image shows neither itself nor by a broader or narrower one; it need not be
    one that could be drawn beside the others.

    Args:
        config: The phantom's recipe.
        index: The phantom.
        kind: What goes wrong.
        kb: Dictionary, for what is broader than what.

    Returns:
        The report; None where the phantom shows nothing that could be told wrong in this way.

    Raises:
        ConfigError: The index is negative.
    """
    made = plan_phantom(config, index)
    source = streams(config.seed, index)
    rng = source(_STREAM + MISTAKES.index(kind))
    if kind == "added":
        chosen, said = None, _added(rng, made.planned, config, kb)
    else:
        chosen, said = _changed(rng, made.planned, kind)
    if chosen is said:
        return None
    planned = tuple(item for item in made.planned if item is not chosen)
    unsaid = frozenset[str]()
    if kind in ("omitted", "negation") and chosen is not None:
        unsaid = frozenset({chosen.finding.category})
    elif said is not None:
        # Where it stood; a finding that is added comes last.
        place = len(planned) if chosen is None else made.planned.index(chosen)
        planned = (*planned[:place], said, *planned[place:])
    patient = deform(made.patient, made.planned)
    report = write_report(source(REPORT), planned, patient, config, unsaid=unsaid)
    if kind == "negation" and said is not None:
        report = replace(report, findings=f"{report.findings} {_denial(rng, said)}")
    return Mistaken(
        kind,
        report,
        None if chosen is None else chosen.finding,
        None if said is None else said.finding,
    )


def _added(
    rng: np.random.Generator, planned: Sequence[Planned], config: PhantomConfig, kb: KnowledgeBase
) -> Planned | None:
    """A finding of a category that has nothing to do with those drawn; None where none is left."""
    shown = {item.finding.category for item in planned}
    near = shown | {broad for name in shown for broad in kb.ancestors(name)}
    free = [c for c in config.classes if c not in near and not shown & {*kb.ancestors(c)}]
    return draw_finding(rng, one_of(rng, free), config, len(planned)) if free else None


def _changed(
    rng: np.random.Generator, planned: Sequence[Planned], kind: Mistake
) -> tuple[Planned | None, Planned | None]:
    """A finding that is drawn, and what is said of it; nothing twice where none will do."""
    options = [p for p in planned if p.finding.category not in INCIDENTAL_CATEGORIES]
    if kind == "side":
        options = [p for p in options if p.finding.side in _OTHER]
    if kind == "severity":
        options = [p for p in options if _other_grades(p.finding)]
    if not options:
        return None, None
    chosen = one_of(rng, options)
    finding = chosen.finding
    if kind == "omitted":
        return chosen, None
    if kind == "side":
        region = _ACROSS.get(finding.region or "", finding.region)
        finding = finding.model_copy(update={"side": _OTHER[finding.side], "region": region})
    elif kind == "severity":
        finding = finding.model_copy(update={"severity": one_of(rng, _other_grades(finding))})
    else:
        finding = Finding(category=finding.category, presence="absent")
    return chosen, replace(chosen, finding=finding)


def _other_grades(finding: Finding) -> list[str]:
    grades = KINDS[finding.category].severities
    return [g for g in grades if finding.severity and g is not None and g != finding.severity]


def _denial(rng: np.random.Generator, said: Planned) -> str:
    noun = one_of(rng, phrases.NOUNS[said.finding.category])
    return f"There is no {noun}."
