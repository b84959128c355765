"""A check as it is shown in a terminal."""

from collections.abc import Iterable, Iterator

from medfilip_model.consistency import SlotJudgement, Verdict
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from medfilip_app.record import CheckRecord, ModelRecord, OmissionRecord, StatementRecord

_STYLES: dict[Verdict, str] = {
    "supported": "green",
    "contradicted": "bold red",
    "undecided": "yellow",
}
_PRESENCE = {"present": "it is there", "absent": "it is not there", "uncertain": "it may be there"}


def as_text(record: CheckRecord) -> RenderableType:
    """What a terminal shows of a check: statements, omissions, which model answered.

    Args:
        record: The check.

    Returns:
        Something that rich can print, at any width.
    """
    return Group(*_parts(record))


def model_line(model: ModelRecord) -> str:
    """Which model answered, what it was trained on, and what it must not be used for."""
    patients = " It says nothing about patients." if model.phantom else ""
    return (
        f"Model {plain(model.run)!r}, trained on {plain(model.trained_on)}.{patients} "
        "Not for clinical use."
    )


def image_words(slots: Iterable[SlotJudgement]) -> str:
    """What the image shows rather, for each thing that it contradicts; empty where for none."""
    shown = ((slot.slot, slot.image or "") for slot in slots if slot.verdict == "contradicted")
    words = (_PRESENCE.get(image, image) if slot == "presence" else image for slot, image in shown)
    return ", ".join(word for word in words if word)


def percent(share: float | None) -> str:
    """A probability, never as the certainty that no model has; empty where it is not known."""
    if share is None:
        return ""
    return "< 1%" if share < 0.01 else "> 99%" if share > 0.99 else f"{share:.0%}"


def plain(text: str) -> str:
    """A text in one line, without characters that steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _parts(record: CheckRecord) -> Iterator[RenderableType]:
    if record.statements:
        yield _statements(record.statements)
    else:
        yield Text("The report states no finding.")
    yield Text()
    if record.omissions is None:
        yield Text("Whether the report leaves something out is not known.")
    elif record.omissions:
        yield Text("The image shows, and the report does not say:")
        yield Padding(_omissions(record.omissions), (0, 0, 0, 2))
    else:
        yield Text("The image shows nothing that the report leaves out.")
    yield Text()
    yield Text(model_line(record.model))


def _statements(statements: Iterable[StatementRecord]) -> Table:
    table = _table("verdict", "finding", "the report says", "probability", "the image shows")
    for one in statements:
        table.add_row(
            Text(one.verdict, _STYLES[one.verdict]),
            Text(one.words),
            Text(_quoted(one)),
            Text(percent(one.probability)),
            Text(image_words(one.slots)),
        )
    return table


def _omissions(omissions: Iterable[OmissionRecord]) -> Table:
    table = _table("finding", "probability", "side")
    for one in omissions:
        table.add_row(Text(one.words), Text(percent(one.probability)), Text(one.side or ""))
    return table


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        justify = "right" if name == "probability" else "left"
        # A verdict is never broken; what has words may be.
        table.add_column(name, justify=justify, no_wrap=name in ("verdict", "probability"))
    return table


def _quoted(one: StatementRecord) -> str:
    evidence = one.finding.evidence
    return f"“{plain(evidence.text if evidence else one.finding.surface)}”"
