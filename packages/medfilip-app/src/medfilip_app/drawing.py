"""A picture of a check: where the image shows what the report states, and what it leaves out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from medfilip_model.data.decode import load_image
from medfilip_model.draw import SHOWN, UNITS, save_picture
from medfilip_model.heatmap import heatmap
from medfilip_model.overlay import Panel, picture

from medfilip_app.errors import AppError
from medfilip_app.loaded import Loaded
from medfilip_app.record import CheckRecord, StatementRecord
from medfilip_app.text import image_words, percent, plain

MOST = 6
"""Maps in a picture."""


@dataclass(frozen=True)
class Mapped:
    """A category whose place is drawn.

    Attributes:
        category: Dictionary id.
        title: Lines above its map.
    """

    category: str
    title: tuple[str, ...]


def mapped(record: CheckRecord) -> tuple[Mapped, ...]:
    """What is drawn of a check: what speaks against the report first, a category once.

    What is denied, and not there, has no place and is left out.

    Args:
        record: The check.

    Returns:
        At most `MOST`.
    """
    first: dict[str, Mapped] = {}
    for one in _in_order(record):
        first.setdefault(one.category, one)
    return tuple(first.values())[:MOST]


def draw_check(loaded: Loaded, image: Path, record: CheckRecord, out: Path) -> None:
    """Draw the image and the maps of what a check is about.

    Args:
        loaded: The run that answered.
        image: The image's file.
        record: The check of that image.
        out: PNG to write.

    Raises:
        AppError: If `out` is no PNG.
        DataError: If the image cannot be read.
    """
    check_png(out)
    maps = _maps(loaded, image, mapped(record))
    drawn = picture(
        load_image(image, SHOWN),
        maps.panels if maps else (),
        heading=plain(str(image)),
        unit=maps.unit if maps else "nothing that is stated or left out has a place",
        floor=maps.floor if maps else 0.0,
    )
    save_picture(drawn, out)


@dataclass(frozen=True)
class _Maps:
    panels: tuple[Panel, ...]
    unit: str
    floor: float


def _maps(loaded: Loaded, image: Path, shown: Sequence[Mapped]) -> _Maps | None:
    """The maps, on one scale; None where there are none."""
    if not shown:
        return None
    calibration = loaded.calibration
    maps = heatmap(
        loaded.model,
        load_image(image, loaded.model.config.size)[None],
        loaded.kb,
        [one.category for one in shown],
        normal=None if calibration is None else calibration.normal,
        template="paper" if calibration is None else calibration.template,
    )
    panels = tuple(
        Panel(one.title, np.asarray(values))
        for one, values in zip(shown, maps.values[0], strict=True)
    )
    return _Maps(panels, UNITS[maps.kind], maps.floor)


def check_png(out: Path) -> None:
    """Refuse a picture's name that is none.

    Raises:
        AppError: If it does not end in .png.
    """
    if out.suffix.lower() != ".png":
        raise AppError(f"heatmap file {str(out)!r} must end in .png")


def _in_order(record: CheckRecord) -> Iterator[Mapped]:
    for one in record.statements:
        if one.verdict == "contradicted":
            yield _stated(one, f"the image: {image_words(one.slots)}")
    for one in record.omissions or ():
        known = f"not in the report, {percent(one.probability)}"
        yield Mapped(one.category, (one.words, ", ".join(filter(None, (known, one.side)))))
    for verdict in ("undecided", "supported"):
        for one in record.statements:
            if one.verdict == verdict and one.finding.presence != "absent":
                yield _stated(one, percent(one.probability))


def _stated(one: StatementRecord, more: str) -> Mapped:
    return Mapped(one.finding.category, (one.words, ", ".join(filter(None, (one.verdict, more)))))
