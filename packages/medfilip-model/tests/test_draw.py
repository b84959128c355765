from pathlib import Path

import numpy as np
import pytest
from iki_knowledge import KnowledgeBase
from medfilip_model.draw import draw_heatmaps, heatmap_files
from medfilip_model.errors import ConfigError, DataError
from medfilip_model.model import MedFILIP
from medfilip_model.predict import Prediction, predict
from PIL import Image


@pytest.fixture
def predictions(tiny_model: MedFILIP, kb: KnowledgeBase, folder: Path) -> tuple[Prediction, ...]:
    return predict(tiny_model, [folder / "images" / f"im-{n:03}.png" for n in range(2)], kb)[0]


def test_each_image_has_a_file_of_its_own():
    out = Path("maps/out.png")
    assert heatmap_files(out, [Path("a/x.dcm")]) == (out,)
    assert heatmap_files(out, []) == ()
    names = heatmap_files(out, [Path("a/x.dcm"), Path("b/x.dcm"), Path("x-2.dcm"), Path("y.png")])
    assert [name.name for name in names] == [
        "out-x.png",
        "out-x-2.png",
        "out-x-2-2.png",
        "out-y.png",
    ]
    assert {name.parent for name in names} == {Path("maps")}


def test_the_classes_asked_for_are_drawn(
    tiny_model: MedFILIP, kb: KnowledgeBase, predictions: tuple[Prediction, ...], tmp_path: Path
):
    written = draw_heatmaps(tiny_model, predictions, kb, tmp_path / "m.png", ["Mass"])
    assert [path.name for path in written] == ["m-im-000.png", "m-im-001.png"]
    wide = draw_heatmaps(tiny_model, predictions[:1], kb, tmp_path / "w.png")
    with Image.open(written[0]) as one, Image.open(wide[0]) as three:
        assert three.width - one.width == 2 * 298
    assert not list(tmp_path.glob(".*"))


def test_the_image_itself_can_be_left_out(tiny_model: MedFILIP, kb: KnowledgeBase, tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 256, (288, 288), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    predictions, _ = predict(tiny_model, [tmp_path / "noise.png"], kb)
    tiles: list[np.ndarray] = []
    for with_image in (True, False):
        (path,) = draw_heatmaps(
            tiny_model, predictions, kb, tmp_path / "m.png", ["Mass"], with_image=with_image
        )
        with Image.open(path) as drawn:
            assert drawn.width == 10 + (1 + with_image) * 298 + 14 + 52
            tiles.append(np.asarray(drawn)[60:300, 20:280].astype(int))
    image, alone = tiles
    assert np.abs(np.diff(image, axis=1)).mean() > 50
    assert np.abs(np.diff(alone, axis=1)).mean() < 5


def test_only_png(
    tiny_model: MedFILIP, kb: KnowledgeBase, predictions: tuple[Prediction, ...], tmp_path: Path
):
    with pytest.raises(ConfigError, match=r"'.*m\.jpg' must end in \.png"):
        draw_heatmaps(tiny_model, predictions, kb, tmp_path / "m.jpg")


def test_an_image_that_went_away(
    tiny_model: MedFILIP, kb: KnowledgeBase, predictions: tuple[Prediction, ...], tmp_path: Path
):
    gone = Prediction(str(tmp_path / "gone.png"), 0.0, predictions[0].scores)
    with pytest.raises(DataError, match="no such file"):
        draw_heatmaps(tiny_model, [gone], kb, tmp_path / "m.png")
    assert not list(tmp_path.iterdir())
