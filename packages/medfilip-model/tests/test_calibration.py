import json

import numpy as np
import pytest
import torch
from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.calibration import (
    Calibration,
    as_json,
    attribute_labels,
    centred,
    fit_calibration,
    fit_curves,
    read_calibration,
)
from medfilip_model.config import DataConfig
from medfilip_model.data.samples import ImageSet, Sample
from medfilip_model.encode import encode_texts
from medfilip_model.errors import CheckpointError
from medfilip_model.model import MedFILIP
from medfilip_model.zeroshot import class_prompts, embed_rows, encode_classes

NORMAL = DataConfig().normal


def sample(number: int, *findings: Finding, known: bool = True) -> Sample:
    return Sample(f"i{number}", f"p{number}", "valid", findings if known else None)


def noise_set(count: int, known: list[tuple[Finding, ...]]) -> ImageSet:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32), dtype=np.uint8)
    return ImageSet("set", tuple(sample(n, *own) for n, own in enumerate(known)), pixels)


@pytest.fixture
def held_out(tiny_model: MedFILIP, kb: KnowledgeBase) -> ImageSet:
    """60 images; those that resemble the mass text most show a mass. One has a nodule."""
    blank = noise_set(60, [()] * 60)
    embedded = embed_rows(tiny_model, blank, range(60))
    text = encode_classes(tiny_model, class_prompts(kb, ["mass"]))[0]
    best = set((embedded @ text).topk(20).indices.tolist())
    worst = int((embedded @ text).argmin())
    mass, nodule = Finding(category="mass"), Finding(category="nodule")
    return noise_set(
        60, [(mass,) if n in best else (nodule,) if n == worst else () for n in range(60)]
    )


def fitted(model: MedFILIP, images: ImageSet, kb: KnowledgeBase) -> Calibration | None:
    rows = range(len(images.samples))
    prompts = class_prompts(kb, ["mass", "nodule"])
    embedded = embed_rows(model, images, rows)
    return fit_calibration(model, images, rows, embedded, prompts, kb, normal=NORMAL)


def test_probabilities_follow_the_held_out_findings(
    tiny_model: MedFILIP, kb: KnowledgeBase, held_out: ImageSet
):
    calibration = fitted(tiny_model, held_out, kb)
    assert calibration is not None
    embedded = embed_rows(tiny_model, held_out, range(60))
    centre = torch.tensor(calibration.centre)
    texts = encode_classes(tiny_model, class_prompts(kb, ["mass"]))
    scores = centred(embedded, texts, centre)[:, 0]
    normal = centred(embedded, encode_texts(tiny_model, [NORMAL]), centre)[:, 0]
    curve, source = calibration.classes.of("mass")
    assert source == "own"
    assert curve is not None
    probable = curve.probability(scores, normal)
    shows = np.array(
        [bool(s.present) and s.present[0].category == "mass" for s in held_out.samples]
    )
    assert probable[shows].min() > probable[~shows].max()
    assert probable.mean() == pytest.approx(shows.mean(), abs=0.03)


def test_a_class_that_is_too_rare_takes_the_pooled_curve(
    tiny_model: MedFILIP, kb: KnowledgeBase, held_out: ImageSet
):
    calibration = fitted(tiny_model, held_out, kb)
    assert calibration is not None
    assert list(calibration.classes.own) == ["mass"]
    for unseen in ("nodule", "covid19"):
        assert calibration.classes.of(unseen) == (calibration.classes.pooled, "pooled")
    pooled = calibration.classes.pooled
    assert pooled is not None
    assert (pooled.positives, pooled.negatives) == (21, 99)
    assert calibration.presence is None


def test_attributes_are_those_of_the_classes(
    tiny_model: MedFILIP, kb: KnowledgeBase, held_out: ImageSet
):
    calibration = fitted(tiny_model, held_out, kb)
    assert calibration is not None
    assert set(kb["mass"].attributes) <= set(calibration.attributes.own)
    only = set(kb["nodule"].attributes) - set(kb["mass"].attributes)
    assert only
    assert not only & set(calibration.attributes.own)


def test_the_manifest_gives_back_what_was_fitted(
    tiny_model: MedFILIP, kb: KnowledgeBase, held_out: ImageSet
):
    calibration = fitted(tiny_model, held_out, kb)
    stored = json.loads(json.dumps(as_json(calibration), allow_nan=False))
    assert read_calibration(stored) == calibration
    assert read_calibration({"epoch": 3}) is None
    assert as_json(None) == {}


def test_another_version_of_it_is_refused():
    with pytest.raises(CheckpointError, match=r"calibration\.images: field required; train again"):
        read_calibration({"calibration": {"centre": []}})


def test_nothing_to_fit(tiny_model: MedFILIP, kb: KnowledgeBase):
    assert fitted(tiny_model, noise_set(0, []), kb) is None
    assert fitted(tiny_model, noise_set(20, [()] * 20), kb) is None
    unknown = ImageSet(
        "set",
        tuple(sample(n, known=False) for n in range(20)),
        np.zeros((20, 32, 32), np.uint8),
    )
    assert fitted(tiny_model, unknown, kb) is None


def test_weights_that_are_no_numbers_have_no_calibration(
    tiny_model: MedFILIP, kb: KnowledgeBase, held_out: ImageSet
):
    with torch.no_grad():
        tiny_model.image_projection.weight.fill_(float("nan"))
    assert fitted(tiny_model, held_out, kb) is None


def test_the_fusion_head_is_calibrated_too(
    fusion_model: MedFILIP, kb: KnowledgeBase, held_out: ImageSet
):
    calibration = fitted(fusion_model, held_out, kb)
    assert calibration is not None
    assert calibration.presence is not None
    assert list(calibration.presence.own) == ["mass"]
    assert calibration.presence.own["mass"].beside == 0


def test_the_error_is_that_of_the_other_half(
    tiny_model: MedFILIP, kb: KnowledgeBase, held_out: ImageSet
):
    calibration = fitted(tiny_model, held_out, kb)
    assert calibration is not None
    assert calibration.error is not None
    assert 0 < calibration.error < 0.3
    # All positives are patients of one half: the other half has no curve.
    from zlib import crc32

    odd = [n for n in range(60) if crc32(f"p{n}".encode()) & 1]
    mass = Finding(category="mass")
    lopsided = noise_set(60, [(mass,) if n in odd[:12] else () for n in range(60)])
    other = fitted(tiny_model, lopsided, kb)
    assert other is not None
    assert other.error is None


def test_pooled_curves_know_the_normal_text_of_each_row():
    rng = np.random.default_rng(0)
    normal = rng.normal(size=300)
    known = (normal[:, None] + rng.normal(size=(300, 2)) < -0.5).astype(float)
    curves = fit_curves(["a", "b"], rng.normal(size=(300, 2)) + known, known, normal)
    assert curves.pooled is not None
    assert curves.pooled.beside < -0.5
    assert curves.pooled.positives == known.sum()


def test_an_image_shows_the_attributes_of_its_findings(kb: KnowledgeBase):
    mass, doubtful = Finding(category="mass"), Finding(category="nodule", presence="uncertain")
    samples = [sample(0, mass), sample(1), sample(2, doubtful), sample(3, mass, doubtful)]
    samples.append(sample(4, known=False))
    names, table = attribute_labels(samples, ["mass", "nodule"], kb)
    rows = dict(zip(names, table.T.tolist(), strict=True))
    of_mass, of_nodule = set(kb["mass"].attributes), set(kb["nodule"].attributes)
    assert set(names) == of_mass | of_nodule
    nan = pytest.approx(float("nan"), nan_ok=True)
    alone, both = (of_mass - of_nodule).pop(), (of_mass & of_nodule).pop()
    other = (of_nodule - of_mass).pop()
    assert rows[alone] == [1, 0, 0, 1, nan]
    assert rows[both] == [1, 0, nan, 1, nan]
    assert rows[other] == [0, 0, nan, nan, nan]


def test_a_finding_shows_the_attributes_of_its_broader_categories(kb: KnowledgeBase):
    names, table = attribute_labels(
        [sample(0, Finding(category="empyema"))], ["pleural_effusion"], kb
    )
    assert names
    assert (table == 1).all()
