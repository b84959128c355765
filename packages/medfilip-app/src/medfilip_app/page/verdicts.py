"""The answers of tab Check as HTML: statements with verdicts, and what is left out. Pure."""

from html import escape

from iki_knowledge import KnowledgeBase
from medfilip_model.consistency import Omission

from medfilip_app.check import Check, Statement
from medfilip_app.page.highlight import highlighted, marks
from medfilip_app.page.words import category_name
from medfilip_app.record import finding_words
from medfilip_app.text import image_words, percent

VERDICT = {
    "supported": "✓ supported",
    "contradicted": "✗ contradicted",
    "undecided": "? undecided",
}
"""A symbol and a word for each verdict."""


def checked(text: str, check: Check, kb: KnowledgeBase) -> str:
    """A report with the verdict on each of its statements, and what it omits.

    Args:
        text: The report as read.
        check: What the image says of it.
        kb: The dictionary.

    Returns:
        HTML; the buttons stand for the categories of the statements and omissions.
    """
    found = [statement.finding for statement in check.statements]
    kinds = [statement.judgement.verdict for statement in check.statements]
    stated = "".join(_statement(n, one, kb) for n, one in enumerate(check.statements, 1))
    omitted = "".join(_omission(one, kb) for one in check.omissions)
    counts = ", ".join(f"{kinds.count(kind)} {VERDICT[kind][2:]}" for kind in VERDICT)
    return (
        f"{highlighted(text, marks(found, kinds))}"
        f'<h3>What the report says</h3><p class="mf-note">{counts}. Press a line to see where.</p>'
        f'<ol class="mf-lines">{stated or "<li>no finding of the dictionary</li>"}</ol>'
        "<h3>What the image shows and the report does not say</h3>"
        f'<ul class="mf-lines">{omitted or "<li>nothing that the model is sure of</li>"}</ul>'
        '<p class="mf-note">A verdict is this model\'s, from this image alone. Undecided: the '
        "image speaks neither way strongly enough, or the model cannot tell. The percentage "
        "is the probability that the image shows the category, of any side and severity. What the "
        "report states again is marked once.</p>"
    )


def _statement(number: int, one: Statement, kb: KnowledgeBase) -> str:
    judgement = one.judgement
    shown = image_words(judgement.slots)
    rather = f"<small>the image shows rather: <b>{escape(shown)}</b></small>" if shown else ""
    return (
        f'<li><button type="button" class="mf-line mf-{judgement.verdict}" aria-pressed="false" '
        f'data-pick="{escape(one.finding.category)}"><sup>{number}</sup>'
        f'<span class="mf-what"><b>{escape(finding_words(one.finding, kb))}</b>{rather}</span>'
        f'<span class="mf-chance">{_chance(judgement.probability)}</span>'
        f'<span class="mf-word mf-{judgement.verdict}">{VERDICT[judgement.verdict]}</span>'
        "</button></li>"
    )


def _chance(probability: float | None) -> str:
    """How probable the image makes the category."""
    return "" if probability is None else f"image {escape(percent(probability))}"


def _omission(one: Omission, kb: KnowledgeBase) -> str:
    side = f", {one.side}" if one.side else ""
    return (
        '<li><button type="button" class="mf-line mf-omitted" aria-pressed="false" '
        f'data-pick="{escape(one.category)}"><span class="mf-what">'
        f"<b>{category_name(kb, one.category)}</b>{side}</span>"
        f'<span class="mf-chance">{_chance(one.probability)}</span>'
        '<span class="mf-word mf-omitted">! not in the report</span></button></li>'
    )
