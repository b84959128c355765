from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from medfilip_app.loaded import Loaded
from medfilip_app.page import answers
from medfilip_app.page.answers import Answers
from medfilip_app.page.desk import Desk
from medfilip_app.page.gallery import Opened
from medfilip_model.explain import explain
from medfilip_model.predict import predict
from PIL import Image


@pytest.mark.parametrize("library", ["chestxray14", "vindr_cxr"])
@pytest.mark.parametrize("calibrated", [True, False])
def test_classes_are_those_of_predict(
    loaded: Loaded, phantom: Opened, tmp_path: Path, library: str, calibrated: bool
):
    """The page says what `medfilip predict` says of the same image."""
    if not calibrated:
        loaded = replace(loaded, calibration=None)
    file = tmp_path / "image.png"
    Image.fromarray(phantom.pixels).save(file)
    (told,), _ = predict(
        loaded.model, [file], loaded.kb, classes=library, calibration=loaded.calibration
    )
    for mine, theirs in zip(Answers(loaded).classes(phantom, library), told.scores, strict=True):
        assert (mine.label, mine.category, mine.calibrated) == (
            theirs.label,
            theirs.category,
            theirs.calibrated,
        )
        assert mine.similarity == pytest.approx(theirs.similarity, abs=1e-6)
        assert mine.probability == pytest.approx(theirs.probability, abs=1e-6)


def test_reasons_are_those_of_explain(desk: Desk, loaded: Loaded, phantom: Opened):
    from medfilip_model.encode import encode_images

    embedded = encode_images(loaded.model, phantom.pixels[None])
    known = explain(loaded.model, embedded, loaded.kb, ["mass"], calibration=loaded.calibration)[0]
    told = desk.answers.reasons(phantom, "mass").classes[0]
    assert [one.attribute for one in told.speaks_for] == [
        one.attribute for one in known.classes[0].speaks_for
    ]


def test_a_phrase_is_scored_by_the_pooled_curve(desk: Desk, loaded: Loaded, phantom: Opened):
    score = desk.answers.phrase(phantom, "  fluid at the left base ")
    assert score.phrase == "fluid at the left base"
    assert -1 <= score.similarity <= 1
    assert score.probability is not None
    assert 0 < score.probability < 1
    bare = Answers(replace(loaded, calibration=None)).phrase(phantom, score.phrase)
    assert bare.probability is None
    assert bare.similarity == pytest.approx(score.similarity, abs=1e-6)


def test_maps_are_computed_once_for_all_that_share_a_scale(
    loaded: Loaded, phantom: Opened, monkeypatch: pytest.MonkeyPatch
):
    calls: list[tuple[str, ...]] = []
    own = answers.heatmap

    def counted(model, pixels, kb, categories, **options):
        calls.append(categories)
        return own(model, pixels, kb, categories, **options)

    monkeypatch.setattr(answers, "heatmap", counted)
    asked = Answers(loaded)
    one = asked.place(phantom, "mass", ("pleural_effusion", "mass"))
    two = asked.place(phantom, "pleural_effusion", ("mass", "pleural_effusion"))
    assert len(calls) == 1
    assert one.top == two.top
    assert one.values.shape == (32, 32)
    assert not np.array_equal(one.values, two.values)
    assert one.top == pytest.approx(max(one.values.max(), two.values.max()))
