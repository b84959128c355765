from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gpt_ie import Report
from medfilip_app import drawing
from medfilip_app.check import Check, check_report
from medfilip_app.drawing import MOST, draw_check, mapped
from medfilip_app.errors import AppError
from medfilip_app.loaded import Loaded
from medfilip_app.record import check_record
from medfilip_model.consistency import Omission
from medfilip_model.data.decode import load_image
from medfilip_model.draw import UNITS
from medfilip_model.errors import DataError
from medfilip_model.heatmap import Heatmaps, heatmap
from medfilip_model.overlay import Panel
from PIL import Image

TEXT = (
    "Possible nodule. A mass. No pneumothorax. Small left pleural effusion. "
    "Right pleural effusion. Left pneumonia."
)


@pytest.fixture
def found(loaded: Loaded, foresee: None) -> Check:
    return check_report(loaded, np.full((32, 32), 128, np.uint8), Report("r", {"text": TEXT}))


def test_what_speaks_against_the_report_comes_first(loaded: Loaded, found: Check):
    told = mapped(check_record(loaded, "a.png", found))
    assert [one.category for one in told] == [
        "pleural_effusion",
        "pneumonia",
        "cardiomegaly",
        "nodule",
        "mass",
    ]
    assert told[0].title == (
        "small left-sided pleural effusion",
        "contradicted, the image: right",
    )
    assert told[2].title == ("cardiomegaly", "not in the report, 88%, left")
    assert told[4].title == ("lung mass", "supported, 50%")


def test_a_picture_has_at_most_so_many_maps(loaded: Loaded, found: Check):
    more = tuple(Omission(category, 0.9, 2.0, None) for category in sorted(loaded.kb)[:9])
    told = mapped(check_record(loaded, "a.png", replace(found, omissions=more)))
    assert len(told) == MOST
    assert [one.category for one in told[:2]] == ["pleural_effusion", "pneumonia"]


def test_a_map_is_drawn_beside_the_image_for_each(
    loaded: Loaded, found: Check, image: Path, tmp_path: Path
):
    out = tmp_path / "maps" / "out.png"
    draw_check(loaded, image, check_record(loaded, image, found), out)
    with Image.open(out) as drawn:
        assert drawn.width > 6 * 288
    assert [path.name for path in out.parent.iterdir()] == ["out.png"]


def test_a_map_is_that_of_its_category_as_the_run_asks_for_it(
    loaded: Loaded,
    found: Check,
    image: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    drawn: list[dict[str, Any]] = []
    own = drawing.picture

    def kept(pixels: np.ndarray, panels: Sequence[Panel], **more: Any) -> Image.Image:
        drawn.append({"panels": panels, **more})
        return own(pixels, panels, **more)

    def of_attention(*asked: Any, **more: Any) -> Heatmaps:
        return replace(heatmap(*asked, **more), kind="attention", floor=0.5)

    monkeypatch.setattr(drawing, "picture", kept)
    monkeypatch.setattr(drawing, "heatmap", of_attention)
    assert loaded.calibration is not None
    changes = {"normal": "lungs are clear", "template": "triplet"}
    asked = replace(loaded, calibration=loaded.calibration.model_copy(update=changes))
    record = check_record(asked, image, found)
    odd = tmp_path / "a\x1b[31mb.png"
    image.rename(odd)
    draw_check(asked, odd, record, tmp_path / "out.PNG")
    shown = mapped(record)
    maps = of_attention(
        asked.model,
        load_image(odd, 32)[None],
        asked.kb,
        [one.category for one in shown],
        normal="lungs are clear",
        template="triplet",
    )
    (made,) = drawn
    assert [panel.title for panel in made["panels"]] == [one.title for one in shown]
    for panel, values in zip(made["panels"], maps.values[0], strict=True):
        np.testing.assert_array_equal(panel.values, values)
    assert (made["unit"], made["floor"]) == (UNITS["attention"], 0.5)
    assert "\x1b" not in str(made["heading"])


def test_without_anything_to_map_the_image_is_drawn(
    loaded: Loaded, found: Check, image: Path, tmp_path: Path
):
    nothing = check_record(loaded, image, replace(found, statements=(), omissions=()))
    draw_check(loaded, image, nothing, tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as drawn:
        assert 288 < drawn.width < 2 * 288


def test_a_picture_is_a_png_of_a_readable_image(
    loaded: Loaded, found: Check, image: Path, tmp_path: Path
):
    record = check_record(loaded, image, found)
    with pytest.raises(AppError, match=r"'out.jpg' must end in .png"):
        draw_check(loaded, image, record, Path("out.jpg"))
    with pytest.raises(DataError, match="no such file"):
        draw_check(loaded, tmp_path / "gone.png", record, tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()
