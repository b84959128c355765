"""An evaluation as Markdown, JSON and a figure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gpt_ie.atomic import atomic_text
from gpt_ie.evaluate.evaluation import Evaluation
from gpt_ie.evaluate.figure import confusion_svg
from gpt_ie.evaluate.metrics import Estimate, Scored
from gpt_ie.evaluate.slots import SlotCounts

_SCORES = {
    "category": ("category", "the same category"),
    "category_relaxed": ("category, rolled up", "the same, or one is an ancestor of the other"),
    "triplet": ("triplet", "category, severity, side and region all equal"),
    "triplet_literal": (
        "triplet, literal",
        "as the triplet, but a region that the category always has is compared too, and severities "
        "as both wrote them",
    ),
    "triplet_relaxed": (
        "triplet, place relaxed",
        "category rolled up, severity of one rank, side and region compatible or not stated",
    ),
}
_UNDEFINED = "null: nothing to divide by (nothing said, or nothing in the gold)"


def to_json(evaluation: Evaluation) -> str:
    """Every figure, for another program.

    Args:
        evaluation: From `gpt_ie.evaluate.evaluate`.

    Returns:
        One JSON object, indented; a figure that is not defined is null.
    """
    content: dict[str, Any] = asdict(evaluation)
    for name in _SCORES:
        content[name] = _flat(getattr(evaluation, name))
    content["by_category"] = {name: _flat(one) for name, one in evaluation.by_category.items()}
    content["slots"] = {
        name: asdict(one)
        | {"accuracy": one.accuracy, "stated_accuracy": one.stated_accuracy, "pairs": one.pairs}
        for name, one in evaluation.slots.items()
    }
    content["unsupported"]["rate"] = evaluation.unsupported.rate
    content["presence"] = _pairs(evaluation.presence)
    content["confusion"] = _pairs(evaluation.confusion)
    content["undefined"] = _UNDEFINED
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _flat(scored: Scored) -> dict[str, Any]:
    return {
        **asdict(scored.counts),
        **{name: asdict(getattr(scored, name)) for name in ("precision", "recall", "f1")},
    }


def _pairs(counts: Mapping[tuple[str, str], int] | None) -> list[dict[str, object]] | None:
    if counts is None:
        return None
    return [
        {"gold": gold or None, "said": said or None, "count": count}
        for (gold, said), count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]


def to_markdown(evaluation: Evaluation, figure: str | None = None) -> str:
    """The evaluation to read.

    Args:
        evaluation: From `gpt_ie.evaluate.evaluate`.
        figure: Where the confusion figure stands, as seen from the document; None without one.

    Returns:
        Markdown.
    """
    parts = [
        f"# {evaluation.gold}\n",
        _head(evaluation),
        _scores(evaluation),
        "## Slots\n\nOn pairs of findings of equal category. `near`: severities of one rank, or a "
        "region inside the other.\n",
        _slots(evaluation.slots),
        _normal(evaluation),
        _unsupported(evaluation),
        _presence(evaluation),
        "## Categories\n\nPresence in a report of exactly this category.\n",
        _categories(evaluation.by_category),
        _confusion(evaluation, figure),
        _left_out(evaluation),
    ]
    return "\n".join(part for part in parts if part)


def _head(evaluation: Evaluation) -> str:
    engines = ", ".join(evaluation.engines)
    interval = (
        f"95 % percentile bootstrap over reports, {evaluation.resamples} resamples, "
        f"seed {evaluation.seed}"
        if evaluation.resamples
        else "no intervals"
    )
    return (
        f"Predictions by {engines}; dictionary {evaluation.knowledge}; {evaluation.reports} "
        f"reports, {evaluation.missing} of them without a prediction (counted as nothing said); "
        f"{evaluation.extra} predictions of other reports, not scored. Positive is what is present "
        f"or uncertain. In brackets: {interval}. `–`: not defined.\n"
    )


def _scores(evaluation: Evaluation) -> str:
    rows = [
        [label, *_figures(getattr(evaluation, name)), meaning]
        for name, (label, meaning) in _SCORES.items()
    ]
    heads = ["micro", "in gold", "said", "precision", "recall", "F1", "a hit is"]
    macro = f"{evaluation.macro_f1:.3f}" if evaluation.macro_f1 is not None else "–"
    return (
        f"{_table(heads, rows)}\nMacro F1 of the {evaluation.macro_categories} categories with 10 "
        f"or more in the gold: {macro}.\n"
    )


def _figures(scored: Scored) -> list[str]:
    counts = scored.counts
    return [
        str(counts.hit + counts.missed),
        str(counts.hit + counts.false),
        _estimate(scored.precision),
        _estimate(scored.recall),
        _estimate(scored.f1),
    ]


def _estimate(estimate: Estimate) -> str:
    if estimate.value is None:
        return "–"
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _slots(slots: Mapping[str, SlotCounts]) -> str:
    fields = ("right", "near", "wrong", "silent", "extra", "blank")
    rows = [
        [name, _share(one.accuracy), _share(one.stated_accuracy)]
        + [str(getattr(one, field)) for field in fields]
        for name, one in slots.items()
    ]
    return _table(["slot", "accuracy", "where the gold states it", *fields], rows)


def _normal(evaluation: Evaluation) -> str:
    normal = evaluation.normal
    if not normal.reports:
        return ""
    shown = ", ".join(f"{name} {count}" for name, count in list(normal.by_category.items())[:10])
    return (
        f"## Normal reports\n\n{normal.findings} positive findings in {normal.with_findings} of "
        f"{normal.reports} reports that the gold calls normal: {_estimate(normal.rate)} a report."
        + (f" By category: {shown}.\n" if shown else "\n")
    )


def _unsupported(evaluation: Evaluation) -> str:
    one = evaluation.unsupported
    reasons = ", ".join(f"{name} {count}" for name, count in one.by_reason.items())
    return (
        f"## Unsupported\n\n{one.unsupported} of {one.findings} findings, denied ones too, are not "
        f"borne by their report: {_share(one.rate)}{f' ({reasons})' if reasons else ''}.\n"
    )


def _presence(evaluation: Evaluation) -> str:
    if evaluation.presence is None:
        return ""
    names = ("present", "uncertain", "absent")
    total = sum(evaluation.presence.values())
    equal = sum(evaluation.presence.get((name, name), 0) for name in names)
    rows = [
        [name, *(str(evaluation.presence.get((name, said), 0)) for said in names)] for name in names
    ]
    return (
        f"## Presence\n\nOf categories that both name, {_share(equal / total if total else None)} "
        f"agree.\n\n{_table(['gold ↓ said →', *names], rows)}"
    )


def _categories(scores: Mapping[str, Scored]) -> str:
    rows = [[name, *_figures(one)] for name, one in scores.items()]
    return _table(["category", "in gold", "said", "precision", "recall", "F1"], rows)


def _confusion(evaluation: Evaluation, figure: str | None) -> str:
    mixed = sorted(
        (-count, gold, said)
        for (gold, said), count in evaluation.confusion.items()
        if gold and said and gold != said
    )[:15]
    rows = [[gold, said, str(-count)] for count, gold, said in mixed]
    picture = f"![Gold and said categories]({figure})\n\n" if figure else ""
    return (
        "## Confusion\n\nWhat a report's gold and predictions have left over on both sides is "
        "paired where one category is an ancestor of the other, then where both are of one "
        f"anatomical group.\n\n{picture}"
        + (_table(["gold", "said", "reports"], rows) if rows else "")
    )


def _left_out(evaluation: Evaluation) -> str:
    lines = [
        f"- {what}, {sum(counts.values())}: "
        + ", ".join(f"{_cell(name)} {count}" for name, count in counts.items())
        for what, counts in (
            ("said, but nothing the gold could state", evaluation.out_of_scope),
            ("in the gold, but of no category", evaluation.unread),
        )
        if counts
    ]
    return "## Not scored\n\n" + "\n".join(lines) + "\n" if lines else ""


def _table(heads: list[str], rows: Iterable[list[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def write_evaluation(evaluation: Evaluation, folder: Path, name: str = "evaluation") -> list[Path]:
    """Write ``<name>.md``, ``<name>.json`` and ``<name>.confusion.svg``, each atomically.

    None of them holds words of a report.

    Args:
        evaluation: From `gpt_ie.evaluate.evaluate`.
        folder: Where; it is made when it is not there.
        name: Start of the names.

    Returns:
        The files.

    Raises:
        OSError: When a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figure = folder / f"{name}.confusion.svg"
    files = {
        folder / f"{name}.md": to_markdown(evaluation, figure.name),
        folder / f"{name}.json": to_json(evaluation),
        figure: confusion_svg(evaluation.confusion),
    }
    for path, text in files.items():
        with atomic_text(path) as stream:
            stream.write(text)
    return list(files)
