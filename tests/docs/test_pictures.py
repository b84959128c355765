"""The pictures of the documentation are those that its script draws."""

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from PIL import Image, ImageOps

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def drawn(pictures: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("pictures")
    pictures.draw_phantoms(out)
    return out


def test_the_phantoms_are_those_of_the_pages(drawn: Path, looks_like: Callable[[Path, str], bool]):
    assert looks_like(drawn, "phantom_contact_sheet.png")
    assert looks_like(drawn, "pictures/phantoms.png")


def test_another_picture_is_told(looks_like: Callable[[Path, str], bool], tmp_path: Path):
    with Image.open(DOCS / "pictures" / "phantoms.png") as picture:
        (tmp_path / "pictures").mkdir()
        ImageOps.mirror(picture).save(tmp_path / "pictures" / "phantoms.png")
    assert not looks_like(tmp_path, "pictures/phantoms.png")


def test_all_pictures_are_made_and_shown(drawn: Path, pictures: ModuleType):
    made = {*pictures.SHOWN.values(), *(path.name for path in (drawn / "pictures").iterdir())}
    assert made == {path.name for path in (DOCS / "pictures").iterdir()}
    # The commands that draw the tutorial's are in it, as are their pictures.
    tutorial = (DOCS / "tutorial.md").read_text("utf-8")
    shown = re.findall(r"\(pictures/([^)]+)\)", tutorial)
    assert shown == list(pictures.SHOWN.values())
    for source in pictures.SHOWN:
        folder = source.partition("/")[0]
        assert re.search(rf"--(out|heatmap) {re.escape(folder)}$", tutorial, re.MULTILINE)
