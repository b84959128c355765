"""The answers of tab Image as HTML: classes as bars, the reasons of one, a phrase. Pure."""

from collections.abc import Iterable, Sequence
from html import escape

from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.classes import ClassScore
from medfilip_model.explain import AttributeScore, Explanation, Reasons

from medfilip_app.page.answers import PhraseScore
from medfilip_app.page.words import category_name, spaced
from medfilip_app.record import finding_words
from medfilip_app.text import percent

# Attributes that are named on each side.
_NAMED = 5
# Categories that are told to follow from the attributes alone.
_INFERRED = 3


def bars(scores: Sequence[ClassScore], chosen: str | None = None) -> str:
    """The classes of a library as buttons with bars, in the order given.

    Args:
        scores: The classes.
        chosen: The category that is told more of.
    """
    if not scores:
        return ""
    calibrated = any(score.probability is not None for score in scores)
    head = "probability" if calibrated else "similarity"
    rows = "".join(_bar(score, pressed=score.category == chosen) for score in scores)
    notes = ["Press a class to see why and where."]
    if any(score.calibrated == "pooled" for score in scores):
        notes.append(
            "~ read by a curve common to all classes: the run's held-out images did not show this "
            "one often enough, and it is taken to be as common as the others."
        )
    if not calibrated:
        notes.append("The run has no calibration: similarities rank, and are no probabilities.")
    return (
        f'<div class="mf-head"><span>class</span><span>{head}</span></div>'
        f'<ol class="mf-bars">{rows}</ol><p class="mf-note">{" ".join(notes)}</p>'
    )


def _bar(score: ClassScore, *, pressed: bool) -> str:
    if score.probability is None:
        share, number = max(score.similarity, 0.0), f"{score.similarity:.2f}"
    else:
        mark = "~ " if score.calibrated == "pooled" else ""
        share, number = score.probability, mark + percent(score.probability)
    head = "" if score.presence is None else f"; fusion head {percent(score.presence)}"
    return (
        f'<li><button type="button" class="mf-row" data-pick="{escape(score.category)}" '
        f'aria-pressed="{str(pressed).lower()}" '
        f'title="similarity {score.similarity:.3f}{escape(head)}">'
        f'<span class="mf-name">{escape(score.label.replace("_", " "))}</span>'
        f'<span class="mf-bar"><i style="width:{share:.1%}"></i></span>'
        f'<span class="mf-number">{escape(number)}</span></button></li>'
    )


def why(reasons: Reasons, kb: KnowledgeBase) -> str:
    """The attributes that speak for and against the first category, and its subclass."""
    found = reasons.classes[0]
    columns = _column("For", "mf-for", found.speaks_for) + _column(
        "Against", "mf-against", found.speaks_against
    )
    follows = ""
    if reasons.inferred:
        named = ", ".join(
            f"{category_name(kb, one.category)} {escape(percent(one.probability))}"
            for one in reasons.inferred[:_INFERRED]
        )
        follows = (
            f'<p class="mf-note">By its attributes alone, among all {len(kb)} categories of the '
            f"dictionary: {named}.</p>"
        )
    return (
        f'<section class="mf-card"><h3>Why {category_name(kb, found.category)}?</h3>'
        f"{_subclass(found)}"
        f'<div class="mf-two">{columns}</div>'
        '<p class="mf-note">Evidence: what the attribute adds to the log-odds of its base '
        f"rate.</p>{follows}</section>"
    )


def _subclass(found: Explanation) -> str:
    if not found.severity and not found.place:
        return '<p class="mf-sub">No severity or place fits better than the class as a whole.</p>'
    parts = [
        f"{name} <b>{spaced(value)}</b>"
        for name, value in (("severity", found.severity), ("place", found.place))
        if value
    ]
    return f'<p class="mf-sub">Fits best: {", ".join(parts)}</p>'


def _column(title: str, kind: str, scores: Sequence[AttributeScore]) -> str:
    sign = "+" if kind == "mf-for" else "−"
    rows = "".join(
        f"<li><span>{sign} {escape(score.text)}</span><b>{_weight(score)}</b></li>"
        for score in scores[:_NAMED]
    )
    return f'<div class="{kind}"><h4>{title}</h4><ul>{rows or "<li>nothing</li>"}</ul></div>'


def _weight(score: AttributeScore) -> str:
    return f"{score.similarity:.2f}" if score.evidence is None else f"{score.evidence:+.2f}"


def phrase_card(score: PhraseScore) -> str:
    """What a phrase scores, and what the number means."""
    probable = ""
    if score.probability is not None:
        probable = (
            f"<dt>probability</dt><dd><b>~ {escape(percent(score.probability))}</b> by the curve "
            "common to all classes, if the phrase is as common as these</dd>"
        )
    return (
        f'<section class="mf-card"><h3>“{escape(score.phrase)}”</h3><dl class="mf-facts">'
        f"{probable}<dt>similarity</dt><dd><b>{score.similarity:.3f}</b>, the cosine of image and "
        f"phrase; the text of an image without findings has {score.normal:.3f}</dd></dl>"
        '<p class="mf-note">Any words are scored, known to the model or not: a number here is '
        "no sign that the model understands them.</p></section>"
    )


def truth_card(truth: Iterable[Finding] | None, kb: KnowledgeBase) -> str:
    """What was drawn into a phantom; empty for a file."""
    if truth is None:
        return ""
    rows = "".join(f"<li>{escape(finding_words(finding, kb))}</li>" for finding in truth)
    return (
        '<details class="mf-card" open><summary>What was drawn</summary>'
        f'<ul class="mf-plain">{rows or "<li>nothing: lungs and heart are normal</li>"}</ul>'
        "</details>"
    )
