import numpy as np
import pytest
from iki_knowledge import Finding, KnowledgeBase
from medfilip_model.data.samples import ImageSet, Sample
from medfilip_model.model import MedFILIP
from medfilip_model.statements import learn
from medfilip_model.statements.fit import StatementFit
from medfilip_model.statements.learn import learn_statements
from medfilip_model.zeroshot import embed_rows


def noise_set(count: int) -> ImageSet:
    """Noise; every third image shows a mass, with its side."""
    pixels = np.random.default_rng(0).integers(0, 256, (count, 32, 32), dtype=np.uint8)
    sides = [Finding(category="mass", side=side) for side in ("right", "left")]
    shown = [(sides[n // 6 % 2],) if n % 3 == 0 else () for n in range(count)]
    samples = [Sample(f"i{n}", f"p{n}", "valid", own) for n, own in enumerate(shown)]
    return ImageSet("noise", tuple(samples), pixels)


def learnt(
    model: MedFILIP, images: ImageSet, rows: list[int], kb: KnowledgeBase
) -> StatementFit | None:
    embedded = embed_rows(model, images, rows)
    return learn_statements(model, images, rows, embedded, kb, template="paper", normal="clear")


def test_it_learns_from_the_held_out_images_alone(tiny_model: MedFILIP, kb: KnowledgeBase):
    images = noise_set(100)
    rows = list(range(20, 90))
    found = learnt(tiny_model, images, rows, kb)
    assert found is not None
    assert found.images == 70
    assert found.positives == {"mass": sum(n % 3 == 0 for n in rows)}
    assert (found.template, found.normal) == ("paper", "clear")
    # The other images are not looked at.
    pixels = np.asarray(images.pixels).copy()
    pixels[:20] = pixels[90:] = 0
    other = ImageSet("other", images.samples, pixels)
    assert learnt(tiny_model, other, rows, kb) == found


def test_many_images_are_thinned_out_evenly(
    tiny_model: MedFILIP, kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(learn, "_ENOUGH", 60)
    monkeypatch.setattr(learn, "_PART", 25)
    images = noise_set(119)
    found = learnt(tiny_model, images, list(range(119)), kb)
    assert found is not None
    assert found.images == 60
    # Every other one: the same as those alone, asked at once.
    monkeypatch.setattr(learn, "_PART", 512)
    again = learnt(tiny_model, images, list(range(0, 119, 2)), kb)
    assert again is not None
    assert again.positives == found.positives
    for mine, other in (
        (found.model.whole, again.model.whole),
        (found.model.half, again.model.half),
    ):
        assert mine is not None
        assert other is not None
        np.testing.assert_allclose(mine.coefficients.values, other.coefficients.values, atol=1e-4)


def test_few_images_teach_nothing(tiny_model: MedFILIP, kb: KnowledgeBase):
    images = noise_set(60)
    assert learnt(tiny_model, images, [], kb) is None
    # Nine masses.
    assert learnt(tiny_model, images, list(range(27)), kb) is None
    # Enough masses, too few images.
    assert learnt(tiny_model, images, list(range(45)), kb) is None
