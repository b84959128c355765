import numpy as np
import pytest
import torch
from iki_knowledge import KnowledgeBase, UnknownCategoryError
from medfilip_model.calibration import Calibration, Curves
from medfilip_model.config import DataConfig
from medfilip_model.explain import explain
from medfilip_model.model import MedFILIP
from medfilip_model.platt import Curve
from torch.nn import functional

STEEP = Curve(slope=50, offset=0, positives=10, negatives=10)


@pytest.fixture
def wide_model(tiny_model_config) -> MedFILIP:
    """A space of more dimensions than attributes, so that an image can show any of them."""
    torch.manual_seed(0)
    return MedFILIP(tiny_model_config.model_copy(update={"embed": 320})).eval()


def orthogonal(model: MedFILIP, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every text a direction of its own, so that what an image shows can be dictated."""
    seen: dict[str, int] = {}

    def encode(_: MedFILIP, texts: list[str], **__: object) -> torch.Tensor:
        rows = [seen.setdefault(text, len(seen)) for text in texts]
        return torch.eye(320)[rows]

    monkeypatch.setattr("medfilip_model.explain.encode_texts", encode)
    encode(model, [attribute.text for attribute in kb.attributes])


def image(kb: KnowledgeBase, names: list[str], strength: float = 0.1) -> torch.Tensor:
    vector = torch.full((320,), -strength)
    for place, attribute in enumerate(kb.attributes):
        if attribute.id in names:
            vector[place] = strength * (1 + names.index(attribute.id) / 100)
    return vector[None]


def flat(own: dict[str, Curve] | None = None) -> Calibration:
    return Calibration(
        images=20,
        template="paper",
        normal=DataConfig().normal,
        centre=(0.0,) * 320,
        classes=Curves(own={}, pooled=STEEP),
        attributes=Curves(own=own or {}, pooled=STEEP),
    )


def test_what_an_image_shows_speaks_for_its_class(
    wide_model: MedFILIP, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
):
    orthogonal(wide_model, kb, monkeypatch)
    names = list(kb["pneumothorax"].attributes)
    (reasons,) = explain(
        wide_model, image(kb, names), kb, ["pneumothorax", "mass"], calibration=flat()
    )
    own, other = reasons.classes
    assert (own.category, other.category) == ("pneumothorax", "mass")
    # Strongest first.
    assert [score.attribute for score in own.speaks_for] == names[::-1]
    assert own.speaks_against == ()
    assert {score.attribute for score in other.speaks_against} == set(kb["mass"].attributes) - set(
        names
    )
    assert reasons.inferred[0].category == "pneumothorax"
    assert reasons.inferred[0].probability > 0.9
    strongest = own.speaks_for[0]
    assert strongest.text == next(a.text for a in kb.attributes if a.id == strongest.attribute)
    assert strongest.evidence == pytest.approx(50 * strongest.similarity)


def test_the_subclass_is_the_one_whose_picture_fits(
    wide_model: MedFILIP, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
):
    orthogonal(wide_model, kb, monkeypatch)
    entry = kb["pleural_effusion"]
    severity, subclass = next((s, c) for s, c in entry.by_severity.items() if c.shows)
    names = [a for a in entry.attributes if a not in subclass.lacks] + list(subclass.shows)
    (reasons,) = explain(wide_model, image(kb, names), kb, ["pleural_effusion"], calibration=flat())
    (found,) = reasons.classes
    assert found.severity == severity
    assert {score.attribute for score in found.speaks_for} >= set(subclass.shows)


def test_nothing_follows_from_nothing(
    wide_model: MedFILIP, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
):
    orthogonal(wide_model, kb, monkeypatch)
    (reasons,) = explain(wide_model, image(kb, []), kb, ["hernia"], calibration=flat())
    assert reasons.inferred == ()
    (found,) = reasons.classes
    assert (found.severity, found.place, found.speaks_for) == (None, None, ())


def test_an_attribute_that_cannot_be_told_has_no_say(
    wide_model: MedFILIP, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
):
    orthogonal(wide_model, kb, monkeypatch)
    names = list(kb["pneumothorax"].attributes)
    mute = Curve(slope=0, offset=0, positives=10, negatives=10)
    (reasons,) = explain(
        wide_model,
        image(kb, names),
        kb,
        ["pneumothorax"],
        calibration=flat({names[0]: mute}),
    )
    (found,) = reasons.classes
    named = {score.attribute for score in (*found.speaks_for, *found.speaks_against)}
    assert named == set(names[1:])


def test_the_normal_text_speaks_against(
    wide_model: MedFILIP, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
):
    orthogonal(wide_model, kb, monkeypatch)
    names = list(kb["mass"].attributes)
    curve = Curve(slope=50, beside=-50, offset=0, positives=10, negatives=10)
    calibration = flat(dict.fromkeys(names, curve))
    normal = torch.eye(320)[len(kb.attributes)] * 0.5
    (reasons,) = explain(
        wide_model, image(kb, names) + normal, kb, ["mass"], calibration=calibration
    )
    assert reasons.classes[0].speaks_for == ()
    assert len(reasons.classes[0].speaks_against) == len(names)


def test_without_a_calibration_attributes_are_weighed_against_their_mean(
    wide_model: MedFILIP, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
):
    orthogonal(wide_model, kb, monkeypatch)
    names = list(kb["pneumothorax"].attributes)
    (reasons,) = explain(wide_model, image(kb, names), kb, ["pneumothorax"])
    (found,) = reasons.classes
    assert [score.attribute for score in found.speaks_for] == names[::-1]
    assert {score.evidence for score in found.speaks_for} == {None}
    assert (reasons.inferred, found.severity, found.place) == ((), None, None)


def test_images_are_read_one_by_one(tiny_model: MedFILIP, kb: KnowledgeBase):
    vectors = functional.normalize(torch.randn(3, 32), dim=1)
    calibration = Calibration(
        images=20,
        template="paper",
        normal=DataConfig().normal,
        centre=(0.0,) * 32,
        classes=Curves(own={}, pooled=STEEP),
        attributes=Curves(own={}, pooled=STEEP),
    )
    every = explain(tiny_model, vectors, kb, ["mass"], calibration=calibration)
    (last,) = explain(tiny_model, vectors[2:], kb, ["mass"], calibration=calibration)
    assert len(every) == 3
    np.testing.assert_allclose(
        [score.evidence for score in every[2].classes[0].speaks_for],
        [score.evidence for score in last.classes[0].speaks_for],
        rtol=1e-4,
    )
    assert explain(tiny_model, vectors[:0], kb, ["mass"], calibration=calibration) == ()


def test_an_unknown_category(tiny_model: MedFILIP, kb: KnowledgeBase):
    with pytest.raises(UnknownCategoryError, match="masss"):
        explain(tiny_model, torch.zeros(1, 32), kb, ["masss"])
