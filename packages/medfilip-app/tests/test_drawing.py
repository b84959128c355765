from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gpt_ie import Report
from medfilip_app.check import Check, check_report
from medfilip_app.drawing import MOST, draw_check, mapped
from medfilip_app.errors import AppError
from medfilip_app.loaded import Loaded
from medfilip_app.record import check_record
from medfilip_model.consistency import Omission
from medfilip_model.errors import DataError
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
