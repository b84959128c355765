import inspect

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_model.data import transforms
from medfilip_model.data.transforms import jitter, resize, standardise


@settings(deadline=None)
@given(scale=st.floats(0.1, 300), offset=st.floats(-50, 50))
def test_standardised_images_do_not_depend_on_the_grey_scale(scale: float, offset: float):
    images = torch.rand((2, 1, 9, 7), generator=torch.Generator().manual_seed(0))
    expected = standardise(images)
    torch.testing.assert_close(standardise(images * scale + offset), expected, atol=2e-2, rtol=0)
    torch.testing.assert_close(expected.mean(dim=(1, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)


def test_bytes_and_floats_are_alike_and_a_constant_image_is_zero():
    images = torch.randint(0, 256, (2, 1, 8, 8), dtype=torch.uint8)
    torch.testing.assert_close(standardise(images), standardise(images / 255), atol=1e-3, rtol=0)
    assert not standardise(torch.full((1, 1, 8, 8), 9)).any()


def test_resize_scales_the_short_side_and_cuts_the_centre():
    wide = torch.zeros((1, 1, 8, 24))
    wide[..., 8:16] = 1
    assert resize(wide, 8).tolist() == torch.ones((1, 1, 8, 8)).tolist()
    assert resize(torch.ones((1, 1, 12, 10)), 7).shape == (1, 1, 7, 7)
    square = torch.rand((1, 1, 8, 8))
    assert resize(square, 8) is square


def test_jitter_moves_but_never_mirrors():
    images = torch.zeros((64, 1, 32, 32))
    images[..., 10:22, 4:10] = 1  # on the left
    moved = jitter(images, torch.Generator().manual_seed(1))
    assert moved.shape == images.shape
    assert not torch.equal(moved, images)
    assert moved[..., 16:].abs().max() == 0
    assert (moved.mean(dim=(1, 2, 3)) / images.mean(dim=(1, 2, 3)) - 1).abs().max() < 0.2


def test_jitter_repeats_with_its_generator():
    images = torch.rand((4, 1, 16, 16))
    first, second, other = (jitter(images, torch.Generator().manual_seed(s)) for s in (3, 3, 4))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_no_shift_and_no_zoom_change_nothing():
    images = torch.rand((2, 1, 16, 16))
    still = jitter(images, torch.Generator(), shift=0.0, zoom=0.0)
    torch.testing.assert_close(still, images, atol=1e-5, rtol=0)


@pytest.mark.parametrize("shift", [0.25])
def test_a_shift_is_a_share_of_the_side(shift: float):
    images = torch.zeros((200, 1, 32, 32))
    images[..., 16, 16] = 1
    moved = jitter(images, torch.Generator().manual_seed(0), shift=shift, zoom=0.0)
    rows = moved.amax(dim=3).argmax(dim=2).flatten()
    assert 6 <= int((rows - 16).abs().max()) <= 8


CALLS = {
    "standardise": lambda images, _: standardise(images),
    "resize": lambda images, _: resize(images, 24),
    "jitter": lambda images, seed: jitter(images, torch.Generator().manual_seed(seed)),
}


def test_every_transform_is_asked_whether_it_mirrors():
    own = inspect.getmembers(transforms, inspect.isfunction)
    assert {n for n, f in own if f.__module__ == transforms.__name__} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_nothing_mirrors_left_and_right_or_turns_an_image_over(name):
    images = torch.full((16, 1, 32, 32), 50.0)
    images[..., 2:8, 2:10] = 200  # up and to the left
    for seed in range(8):
        moved = CALLS[name](images, seed)
        half = moved.shape[-1] // 2
        corners = [
            part.mean(dim=(1, 2, 3))
            for rows in moved.split(half, dim=2)
            for part in rows.split(half, dim=3)
        ]
        assert torch.stack(corners).argmax(dim=0).eq(0).all()
