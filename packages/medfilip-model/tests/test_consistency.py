"""A model with random weights sees a bright bar: that is enough to judge what is said of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from iki_knowledge import Finding, KnowledgeBase, UnknownCategoryError
from medfilip_model.calibration import Calibration, as_json, fit_calibration, read_calibration
from medfilip_model.config import DataConfig, ModelConfig
from medfilip_model.consistency import Judged, compare
from medfilip_model.data.samples import ImageSet, Sample
from medfilip_model.errors import CheckpointError, DataError
from medfilip_model.model import MedFILIP
from medfilip_model.predict import predict
from medfilip_model.zeroshot import class_prompts, embed_rows
from PIL import Image
from scipy.special import logit

NORMAL = DataConfig().normal
KINDS = ("left", "right", "")


def film(kind: str, rng: np.random.Generator) -> np.ndarray:
    """Noise with a bright bar low on one side; the patient's right is on the left."""
    image = rng.normal(90, 12, (32, 32))
    if kind:
        columns = slice(16, None) if kind == "left" else slice(None, 16)
        image[22:, columns] += 90
    return image.clip(0, 255).astype(np.uint8)


def effusion(side: str | None = None, presence: str = "present") -> Finding:
    return Finding(category="pleural_effusion", side=side, presence=presence)


@dataclass(frozen=True)
class Trained:
    model: MedFILIP
    calibration: Calibration


@pytest.fixture(scope="module")
def trained(tiny_model_config: ModelConfig, kb: KnowledgeBase) -> Trained:
    torch.manual_seed(0)
    model = MedFILIP(tiny_model_config)
    rng = np.random.default_rng(0)
    kinds = [KINDS[n % 3] for n in range(90)]
    samples = tuple(
        Sample(f"i{n}", f"p{n}", "valid", (effusion(kind),) if kind else ())
        for n, kind in enumerate(kinds)
    )
    images = ImageSet("bars", samples, np.stack([film(kind, rng) for kind in kinds]))
    rows = range(len(samples))
    found = fit_calibration(
        model,
        images,
        rows,
        embed_rows(model, images, rows),
        class_prompts(kb, ["pleural_effusion"]),
        kb,
        normal=NORMAL,
    )
    assert found is not None
    return Trained(model, found)


Comparing = Callable[..., tuple[Judged, ...]]


@pytest.fixture
def comparing(trained: Trained, kb: KnowledgeBase) -> Comparing:
    """What is stated of new films of some kinds, judged."""

    def run(kinds: tuple[str, ...], *stated: list[Finding]) -> tuple[Judged, ...]:
        rng = np.random.default_rng(5)
        pixels = np.stack([film(kind, rng) for kind in kinds])
        return compare(trained.model, pixels, stated, kb, trained.calibration)

    return run


def test_what_is_stated_is_judged_image_by_image(comparing: Comparing):
    denial = effusion(presence="absent")
    found = comparing(
        ("left", "", "right", "left"), [effusion("left")], [effusion("left")], [denial], []
    )
    assert [one.finding for judged in found for one in judged.judgements] == [
        effusion("left"),
        effusion("left"),
        denial,
    ]
    verdicts = [[one.verdict for one in judged.judgements] for judged in found]
    assert verdicts == [["supported"], ["contradicted"], ["contradicted"], []]
    omitted = [[(one.category, one.side) for one in judged.omissions] for judged in found]
    assert omitted == [[], [], [], [("pleural_effusion", "left")]]


def test_sides_are_told_apart(comparing: Comparing):
    found = comparing(("left", "right"), [effusion("right")], [effusion("right")])
    assert [judged.judgements[0].verdict for judged in found] == ["contradicted", "supported"]
    against = found[0].judgements[0].against
    assert against is not None
    assert (against.slot, against.stated, against.image) == ("side", "right", "left")
    assert found[0].score > 0 > found[1].score


def test_the_order_of_images_does_not_matter(
    comparing: Comparing, trained: Trained, kb: KnowledgeBase
):
    rng = np.random.default_rng(6)
    pixels = np.stack([film(kind, rng) for kind in KINDS])
    stated = [[effusion("left")], [effusion(), Finding(category="mass")], []]
    forth = compare(trained.model, pixels, stated, kb, trained.calibration)
    back = compare(trained.model, pixels[::-1], stated[::-1], kb, trained.calibration)
    for one, other in zip(forth, back[::-1], strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-3)
        assert [j.verdict for j in one.judgements] == [j.verdict for j in other.judgements]


def test_what_the_fit_does_not_know_is_read_by_the_pooled_curve(comparing: Comparing):
    (judged,) = comparing(("left",), [Finding(category="mass", side="left"), effusion()])
    mass, known = judged.judgements
    presence, side = mass.slots
    assert presence.evidence is not None
    assert (side.slot, side.evidence, side.verdict) == ("side", None, "undecided")
    assert mass.probability is None
    assert known.probability is not None


def test_the_evidence_of_a_rare_category_does_not_depend_on_what_else_is_said(
    comparing: Comparing,
):
    mass, nodule = Finding(category="mass"), Finding(category="nodule")
    alone, beside = comparing(("left", "left"), [mass], [nodule, mass])
    again, _ = comparing(("left", "left"), [nodule, mass], [])
    assert len(beside.judgements) == 2
    evidence = [judged.judgements[-1].slots[0].evidence for judged in (alone, again)]
    assert evidence[0] == pytest.approx(evidence[1], abs=1e-4)
    values = {one.slots[0].evidence for one in again.judgements}
    assert len(values) == 2


def test_the_evidence_of_a_rare_category_is_that_of_its_probability(
    trained: Trained, kb: KnowledgeBase, tmp_path: Path
):
    rng = np.random.default_rng(9)
    pixels = np.stack([film(kind, rng) for kind in ("left", "")])
    files = [tmp_path / f"{n}.png" for n in range(2)]
    for file, image in zip(files, pixels, strict=True):
        Image.fromarray(image).save(file)
    told, _ = predict(trained.model, files, kb, calibration=trained.calibration)
    chances = [one.probability for p in told for one in p.scores if one.category == "mass"]
    stated = [[Finding(category="mass")]] * 2
    found = compare(trained.model, pixels, stated, kb, trained.calibration)
    first, second = (judged.judgements[0].slots[0].evidence for judged in found)
    # Both are read by the same curve: what is common before is the same for both.
    assert first - second == pytest.approx(np.subtract(*logit(chances)), abs=1e-3)
    assert abs(first - second) > 0.01


def test_no_image(trained: Trained, kb: KnowledgeBase):
    none = np.zeros((0, 32, 32), dtype=np.uint8)
    assert compare(trained.model, none, [], kb, trained.calibration) == ()
    assert compare(trained.model, none, [], kb, None) == ()


def test_without_a_calibration_nothing_is_decided(trained: Trained, kb: KnowledgeBase):
    pixels = np.zeros((2, 32, 32), dtype=np.uint8)
    stated = [[effusion("left")], [effusion(presence="absent"), Finding(category="mass")]]
    found = compare(trained.model, pixels, stated, kb, None)
    slots = [slot for judged in found for one in judged.judgements for slot in one.slots]
    assert len(slots) == 4
    assert {(slot.evidence, slot.verdict) for slot in slots} == {(None, "undecided")}
    assert {(judged.omissions, judged.score) for judged in found} == {((), 0.0)}


def test_a_calibration_of_before_judges_the_presence_alone(trained: Trained, kb: KnowledgeBase):
    stored = json.loads(json.dumps(as_json(trained.calibration), allow_nan=False))
    assert read_calibration(stored) == trained.calibration
    del stored["calibration"]["statements"]
    older = read_calibration(stored)
    assert older is not None
    assert older.statements is None
    pixels = np.stack([film("left", np.random.default_rng(8))])
    (judged,) = compare(trained.model, pixels, [[effusion("right")]], kb, older)
    presence, side = judged.judgements[0].slots
    assert presence.evidence is not None
    assert side.verdict == "undecided"
    assert judged.omissions == ()


@pytest.mark.parametrize("calibrated", [True, False])
def test_a_category_that_the_dictionary_lacks_is_refused(
    trained: Trained, kb: KnowledgeBase, calibrated: bool
):
    pixels = np.zeros((1, 32, 32), dtype=np.uint8)
    calibration = trained.calibration if calibrated else None
    with pytest.raises(UnknownCategoryError, match="'spots'"):
        compare(trained.model, pixels, [[Finding(category="spots")]], kb, calibration)


def test_a_dictionary_with_other_severities_is_refused(
    trained: Trained, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
):
    pixels = np.zeros((1, 32, 32), dtype=np.uint8)
    monkeypatch.setattr("medfilip_model.statements.questions.words_of", lambda *_: {})
    with pytest.raises(CheckpointError, match="another dictionary"):
        compare(trained.model, pixels, [[]], kb, trained.calibration)


def test_images_and_statements_go_together(trained: Trained, kb: KnowledgeBase):
    pixels = np.zeros((2, 32, 32), dtype=np.uint8)
    with pytest.raises(DataError, match="2 images, and statements about 1"):
        compare(trained.model, pixels, [[effusion("left")]], kb, None)


def test_a_damaged_count_of_positives_is_refused(trained: Trained):
    stored = json.loads(json.dumps(as_json(trained.calibration), allow_nan=False))
    stored["calibration"]["statements"]["positives"].popitem()
    with pytest.raises(CheckpointError, match="positives must be counted"):
        read_calibration(stored)
