import numpy as np
import pytest
import torch
from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.data.samples import ImageSet, Sample
from medfilip_model.encode import encode_images, encode_texts
from medfilip_model.model import MedFILIP
from medfilip_model.zeroshot import class_prompts, encode_classes, with_narrower, zero_shot


def test_prompts_name_every_grade_and_side_once(kb: KnowledgeBase):
    prompts = class_prompts(kb, ["pleural_effusion"], "triplet")["pleural_effusion"]
    assert prompts[0] == "pleural effusion"
    assert {"left-sided pleural effusion", "large bilateral pleural effusion"} <= set(prompts)
    assert len(set(prompts)) == len(prompts)


def test_a_class_is_the_mean_of_its_texts(tiny_model: MedFILIP):
    vectors = encode_texts(tiny_model, ["mass", "a mass", "nodule"])
    mean = (vectors[0] + vectors[1]) / 2
    expected = torch.stack([mean / mean.norm(), vectors[2]])
    classes = encode_classes(tiny_model, {"mass": ["mass", "a mass"], "nodule": ["nodule"]})
    torch.testing.assert_close(classes, expected, atol=1e-5, rtol=1e-4)


def test_scores_are_by_class_and_undefined_ones_stand_apart(tiny_model: MedFILIP):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32), dtype=np.uint8)
    prompts = {"mass": ("mass",), "nodule": ("nodule",)}
    similarity = encode_images(tiny_model, pixels) @ encode_classes(tiny_model, prompts).T
    # The mass is in the images that resemble the text most; nobody has a nodule.
    best = set(similarity[:, 0].topk(3).indices.tolist())
    samples = tuple(
        Sample(str(n), str(n), "valid", (Finding(category="mass"),) if n in best else ())
        for n in range(8)
    )
    score = zero_shot(tiny_model, ImageSet("set", samples, pixels), range(8), prompts)
    assert score.auc == {"mass": 1.0, "nodule": None}
    assert score.macro == 1.0
    nobody = zero_shot(tiny_model, ImageSet("set", samples, pixels), sorted(best), prompts)
    assert nobody.macro is None


def test_rows_are_respected(tiny_model: MedFILIP):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32), dtype=np.uint8)
    found = (Finding(category="mass"),)
    samples = tuple(Sample(str(n), str(n), "valid", found if n else ()) for n in range(4))
    images = ImageSet("set", samples, pixels)
    assert zero_shot(tiny_model, images, [1, 2, 3], {"mass": ("mass",)}).auc == {"mass": None}
    assert zero_shot(tiny_model, images, [0, 1], {"mass": ("mass",)}).auc["mass"] in (
        pytest.approx(0.0),
        pytest.approx(1.0),
    )


def test_a_finding_is_one_of_its_broader_categories_with_a_dictionary(
    tiny_model: MedFILIP, kb: KnowledgeBase
):
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32), dtype=np.uint8)
    known = ((Finding(category="empyema"),), (), (), ())
    samples = tuple(Sample(str(n), str(n), "valid", own) for n, own in enumerate(known))
    images, prompts = ImageSet("set", samples, pixels), {"pleural_effusion": ("effusion",)}
    assert zero_shot(tiny_model, images, range(4), prompts).macro is None
    assert zero_shot(tiny_model, images, range(4), prompts, kb).macro is not None


def test_a_broader_class_is_asked_for_by_its_kinds_too(kb: KnowledgeBase):
    prompts = {"consolidation": ("c1", "c2"), "lung_opacity": ("o", "c1"), "hernia": ("h",)}
    assert with_narrower(prompts, kb) == {
        "consolidation": ("c1", "c2"),
        "lung_opacity": ("o", "c1", "c2"),
        "hernia": ("h",),
    }


def test_the_score_of_a_broader_class_follows_its_kinds(tiny_model: MedFILIP, kb: KnowledgeBase):
    """The images most like the text of a kind show it: by its own text the class would not know."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 32, 32), dtype=np.uint8)
    prompts = {"lung_opacity": ("q",), "consolidation": ("consolidation of the lung",) * 9}
    embedded = encode_images(tiny_model, pixels)
    asked = encode_classes(tiny_model, with_narrower(prompts, kb))
    best = set((embedded @ asked.T)[:, 0].topk(3).indices.tolist())
    samples = tuple(
        Sample(str(n), str(n), "valid", (Finding(category="consolidation"),) if n in best else ())
        for n in range(8)
    )
    images = ImageSet("set", samples, pixels)
    assert zero_shot(tiny_model, images, range(8), prompts, kb).auc["lung_opacity"] == 1.0
