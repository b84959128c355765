"""Pictures of answers: the truth is an outline, the answer shows within it; rows taken evenly."""

import base64
import io

import numpy as np
import pytest
from medfilip_bench.learning.pictures import evenly, picture
from PIL import Image

TRUTH_COLOUR = np.array([86, 180, 233])


def drawn(side):
    truth = np.zeros((side, side), bool)
    truth[side // 4 : -side // 4, side // 4 : -side // 4] = True
    grey = np.full((side, side), 90, np.uint8)
    made = picture(grey, truth, np.zeros((side, side)), "words", floor=0.5)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(made.png))), dtype=int)


def test_the_truth_is_an_outline():
    image = drawn(64)
    assert np.abs(image[16, 32] - TRUTH_COLOUR).mean() < 40
    for inside_or_out in (image[32, 32], image[4, 4]):
        np.testing.assert_allclose(inside_or_out, 90, atol=14)


def test_a_large_image_is_made_small():
    assert drawn(300).shape == (128, 128, 3)


@pytest.mark.parametrize(
    ("n", "count", "expected"), [(3, 5, [0, 1, 2]), (10, 3, [0, 4, 9]), (5, 1, [0])]
)
def test_rows_are_taken_evenly_with_both_ends(n, count, expected):
    assert evenly(range(n), count) == expected
