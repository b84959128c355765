"""What is asked of one image is not answered by another, and by no other curve than it should."""

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from medfilip_app.loaded import Loaded
from medfilip_app.page import answers, gallery
from medfilip_app.page.answers import Answers
from medfilip_app.page.gallery import Gallery, Opened
from medfilip_model.calibration import Curves
from medfilip_model.config import FusionConfig
from medfilip_model.encode import encode_images
from medfilip_model.heatmap import Heatmaps, heatmap
from medfilip_model.model import MedFILIP
from medfilip_model.phantom import PhantomConfig, plan_phantom
from medfilip_model.phantom.report import PhantomReport
from medfilip_model.platt import Curve
from medfilip_model.predict import predict
from PIL import Image

HEAD = Curve(slope=2, offset=-0.5, positives=10, negatives=90)


@pytest.fixture
def other(phantom: Opened) -> Opened:
    """The same film turned upside down."""
    return replace(phantom, token="other", pixels=phantom.pixels[::-1].copy())


def test_each_image_has_answers_of_its_own(loaded: Loaded, phantom: Opened, other: Opened):
    asked, fresh = Answers(loaded), Answers(loaded)
    for image in (phantom, other):
        phrase, place = asked.phrase(image, "fluid"), asked.place(image, "mass", ("mass",))
        assert phrase == fresh.phrase(image, "fluid")
        fresh = Answers(loaded)
        assert np.array_equal(place.values, fresh.place(image, "mass", ("mass",)).values)
    assert asked.phrase(phantom, "fluid") != asked.phrase(other, "fluid")


def test_a_phrase_is_no_category_even_if_it_is_written_alike(loaded: Loaded, phantom: Opened):
    calibration = loaded.calibration
    assert calibration is not None
    pooled = calibration.classes.pooled
    assert pooled is not None
    own = pooled.model_copy(update={"offset": pooled.offset + 3})
    classes = Curves(own={"mass": own}, pooled=pooled)
    changed = replace(loaded, calibration=calibration.model_copy(update={"classes": classes}))
    assert Answers(changed).phrase(phantom, "mass") == Answers(loaded).phrase(phantom, "mass")


def test_a_phrase_is_held_against_the_text_of_no_finding(loaded: Loaded, phantom: Opened):
    calibration = loaded.calibration
    assert calibration is not None
    pooled = calibration.classes.pooled
    assert pooled is not None
    chances: list[float] = []
    for beside in (0.0, -4.0):
        classes = Curves(own={}, pooled=pooled.model_copy(update={"beside": beside}))
        changed = replace(loaded, calibration=calibration.model_copy(update={"classes": classes}))
        found = Answers(changed).phrase(phantom, "fluid").probability
        assert found is not None
        chances.append(found)
    assert chances[0] != pytest.approx(chances[1], rel=0.01)


def test_the_text_of_no_finding_is_that_of_the_run(
    loaded: Loaded, phantom: Opened, monkeypatch: pytest.MonkeyPatch
):
    assert loaded.calibration is not None
    changes = {"normal": "lungs are clear", "template": "triplet"}
    changed = replace(loaded, calibration=loaded.calibration.model_copy(update=changes))
    asked, mapped = Answers(changed), []

    def kept(*arguments: object, **options: object) -> Heatmaps:
        mapped.append(options)
        return heatmap(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(answers, "heatmap", kept)
    asked.place(phantom, "mass", ("mass",))
    assert mapped == [changes]
    normal = asked.phrase(phantom, "lungs are clear")
    assert normal.normal == pytest.approx(normal.similarity)


def test_an_image_is_embedded_once(
    loaded: Loaded, phantom: Opened, monkeypatch: pytest.MonkeyPatch
):
    seen: list[int] = []

    def counted(model: MedFILIP, pixels: np.ndarray) -> torch.Tensor:
        seen.append(len(pixels))
        return encode_images(model, pixels)

    monkeypatch.setattr(answers, "encode_images", counted)
    asked = Answers(loaded)
    asked.classes(phantom, "siim")
    asked.phrase(phantom, "fluid")
    asked.reasons(phantom, "mass")
    assert seen == [1]


def test_the_fusion_heads_answers_are_those_of_predict(
    loaded: Loaded, phantom: Opened, tmp_path: Path
):
    torch.manual_seed(0)
    config = loaded.model.config.model_copy(
        update={"fusion": FusionConfig(width=16, heads=2, layers=1)}
    )
    calibration = loaded.calibration
    assert calibration is not None
    read = calibration.model_copy(update={"presence": Curves(own={"mass": HEAD})})
    fused = replace(loaded, model=MedFILIP(config).eval(), calibration=read)
    file = tmp_path / "image.png"
    Image.fromarray(phantom.pixels).save(file)
    (told,), _ = predict(fused.model, [file], fused.kb, calibration=read)
    wanted = {one.category: one.presence for one in told.scores}
    found = {one.category: one.presence for one in Answers(fused).classes(phantom, "chestxray14")}
    assert found == pytest.approx(wanted, abs=1e-6)
    assert [category for category, presence in found.items() if presence is not None] == ["mass"]


def test_few_phantoms_show_nothing_and_training_has_seen_none(monkeypatch: pytest.MonkeyPatch):
    def planned(config: PhantomConfig, number: int) -> SimpleNamespace:
        findings, blank = plan_phantom(config, number).findings, np.zeros((32, 32))
        return SimpleNamespace(image=blank, findings=findings, report=PhantomReport("", ""))

    monkeypatch.setattr(gallery, "generate", planned)
    opened = Gallery(32)
    found = [opened.open_phantom() for _ in range(60)]
    assert 0 < sum(not one.truth for one in found) <= 6
    # Training, validation and tests draw the first hundred thousands.
    assert all(int(one.name.split()[-1]) >= 1_000_000 for one in found)


def test_people_see_a_large_film_as_large_as_the_page_shows_it():
    file = io.BytesIO()
    Image.effect_noise((1400, 1200), 60).save(file, "JPEG")
    opened = Gallery(32).open_file(file.getvalue(), "film.jpg")
    assert opened.pixels.shape == (32, 32)
    assert opened.shown.shape == (640, 640)
    assert opened.about.startswith("1400 × 1200 pixels")
