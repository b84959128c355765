"""Hashes find the same picture in another coat and no other; warnings name what is shared."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from medfilip_bench.datasets.labelled import LabelClass, LabelledSet
from medfilip_bench.datasets.leakage import shared_images, shared_patients, warnings
from medfilip_bench.datasets.perceptual import (
    BITS,
    LIMIT,
    hashes_of,
    near_duplicates,
    perceptual_hash,
)
from medfilip_bench.datasets.rsna import CARD
from medfilip_model.data import ImageSet, Sample
from PIL import Image, ImageOps


def pictures(n, seed=0, size=64):
    """Unlike smooth pictures."""
    draw = np.random.default_rng(seed).integers(0, 256, (n, 12, 12), dtype=np.uint8)
    bicubic = Image.Resampling.BICUBIC
    return np.stack([np.asarray(Image.fromarray(d).resize((size, size), bicubic)) for d in draw])


def jpeg(image):
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=60)
    return Image.open(stream)


def make_set(pixels, splits, card=CARD, patients=None, key="k", phantom=False):
    samples = tuple(
        Sample(f"i{n}", patients[n] if patients else f"p{n}", split, ())
        for n, split in enumerate(splits)
    )
    return LabelledSet(
        card=card,
        phantom=phantom,
        key=key,
        pixel_keys={split: f"{key} {split}" for split in dict.fromkeys(splits)},
        images=ImageSet("x", samples, pixels),
        classes=(LabelClass("pneumonia", "Lung Opacity"),),
        labels=np.zeros((len(splits), 1)),
        split_words="",
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda i: i.resize((40, 40), Image.Resampling.BICUBIC),
        lambda i: i.resize((150, 150), Image.Resampling.BILINEAR),
        jpeg,
        ImageOps.equalize,
        lambda i: i.point(lambda v: 255 * (v / 255) ** 0.6),
        lambda i: i.point(lambda v: v // 2 + 40),
    ],
    ids=["smaller", "larger", "jpeg", "equalised", "gamma", "window"],
)
def test_the_same_picture_in_another_coat_is_found(change):
    originals = pictures(20)
    changed = np.stack([np.asarray(change(Image.fromarray(i))) for i in originals])
    pairs = near_duplicates(perceptual_hash(originals), perceptual_hash(changed))
    np.testing.assert_array_equal(pairs[:, 0], np.arange(20))
    np.testing.assert_array_equal(pairs[:, 0], pairs[:, 1])
    assert pairs[:, 2].max() < LIMIT - 10


def test_other_pictures_differ_in_far_more():
    hashes = perceptual_hash(pictures(150))
    every = near_duplicates(hashes, hashes, BITS)
    unlike = every[every[:, 0] != every[:, 1]]
    assert len(unlike) == 150 * 149
    assert unlike[:, 2].min() > 2 * LIMIT


@given(
    arrays(np.uint64, st.tuples(st.integers(0, 9), st.just(4))),
    arrays(np.uint64, st.tuples(st.integers(0, 9), st.just(4))),
    st.integers(0, 256),
)
def test_pairs_are_those_of_counting_bit_by_bit(a, b, limit):
    expected = [
        [i, j, differ]
        for i, x in enumerate(a)
        for j, y in enumerate(b)
        if (differ := sum(bin(int(u ^ v)).count("1") for u, v in zip(x, y, strict=True))) <= limit
    ]
    assert near_duplicates(a, b, limit).tolist() == expected


def test_chunks_change_nothing(monkeypatch):
    hashes = perceptual_hash(pictures(30))
    whole = near_duplicates(hashes, hashes, 120)
    monkeypatch.setattr("medfilip_bench.datasets.perceptual._PAIRS", 7)
    np.testing.assert_array_equal(near_duplicates(hashes, hashes, 120), whole)
    assert len(whole) > 30


def test_hashes_are_cached_by_what_decides_the_pixels(monkeypatch):
    pixels = pictures(6, seed=3)
    data = make_set(pixels, ["test"] * 4 + ["train"] * 2, key="cached")
    first = hashes_of(data, "test")
    np.testing.assert_array_equal(first, perceptual_hash(pixels[:4]))
    monkeypatch.setattr("medfilip_bench.datasets.perceptual.perceptual_hash", None)
    np.testing.assert_array_equal(hashes_of(data, "test"), first)
    assert hashes_of(data, "valid").shape == (0, 4)


def test_look_alikes_across_splits_are_named_and_within_one_are_not():
    pixels = pictures(8, seed=4)
    pixels[5] = pixels[1]  # train = test
    pixels[7] = pixels[2]  # valid = test
    pixels[3] = pixels[0]  # test = test
    splits = ["test"] * 4 + ["train"] * 2 + ["valid"] * 2
    train, valid = warnings(make_set(pixels, splits, key="within"))
    assert train.startswith("1 of 4 test images look the same as an image of the train split")
    assert "'i1' and 'i5' differ in 0" in train
    assert "valid split" in valid
    assert warnings(make_set(pictures(8, seed=5), splits, key="clean")) == ()


def test_what_a_model_was_trained_on_is_compared_with_the_test_split():
    mine = make_set(pictures(4, seed=6), ["test"] * 3 + ["train"], key="mine")
    theirs = pictures(5, seed=7)
    theirs[4] = mine.images.pixels[2]
    seen = make_set(theirs, ["train"] * 5, replace(CARD, id="s", name="Seen"), key="theirs")
    patients, images = warnings(mine, [seen])
    assert patients.startswith("patients of the test split in Seen, ")
    assert patients.endswith("trained on: 3, 'p0' for one")
    assert images.startswith("1 of 3 test images look the same as an image of Seen, train split")
    elsewhere = replace(seen, card=replace(seen.card, citation="Another paper."))
    assert shared_patients(mine, seen) == ("p0", "p1", "p2")
    assert shared_patients(mine, elsewhere) == ()
    unknown = replace(CARD, citation="not stated in the folder")
    assert shared_patients(replace(mine, card=unknown), replace(seen, card=unknown)) == ()
    assert len(warnings(mine, [elsewhere])) == 1


def test_the_test_split_of_what_a_model_was_trained_on_was_not_seen():
    """Two parts of one publication may share a test image: no model learnt from it."""
    mine = make_set(pictures(3, seed=8), ["test"] * 3, key="one part")
    theirs = replace(
        make_set(pictures(3, seed=8), ["test", "test", "valid"], key="other part"),
        card=replace(CARD, name="Seen"),
    )
    patients, images = warnings(mine, [theirs])
    assert patients.endswith("trained on: 1, 'p2' for one")
    assert images.startswith("1 of 3 test images look the same as an image of Seen, valid split")
    valid, test = shared_images(mine, theirs)
    assert test.startswith("2 of 3 test images look the same as an image of Seen, test split")
    assert valid.startswith("1 of 3 test images look the same as an image of Seen, valid split")
    assert shared_images(mine, replace(theirs, phantom=True)) == ()


def test_phantoms_are_not_compared():
    same = np.repeat(pictures(1), 4, axis=0)
    data = make_set(same, ["test"] * 2 + ["train"] * 2, key="phantoms", phantom=True)
    assert warnings(data, [data]) == ()
    real = make_set(same[:2], ["test"] * 2, key="real")
    assert warnings(real, [data]) == ()
