"""Grey values to what weights want."""

import torch
from medfilip_bench.models.pixels import Standardise, StandardiseEach


def test_means_and_deviations_are_of_values_in_0_to_1():
    made = Standardise((0.5, 0.25, 0.0), (0.5, 0.25, 1.0))
    found = made(torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1))
    assert found.flatten(1).tolist() == [[-1.0, -1.0, 0.0], [1.0, 3.0, 1.0]]


def test_images_are_brought_to_the_size_of_the_weights(images):
    assert Standardise((0.0,), (1.0,), 4)(images(8)).shape == (2, 1, 4, 4)
    assert Standardise((0.0,), (1.0,))(images(8)).shape == (2, 1, 8, 8)


def test_nothing_of_it_is_a_weight():
    assert not Standardise((0.5,), (0.5,)).state_dict()


def test_each_image_alone(images):
    found = StandardiseEach()(images(8))
    assert torch.allclose(found.mean(dim=(1, 2, 3)), torch.zeros(2), atol=1e-5)
    assert torch.allclose(found.std(dim=(1, 2, 3), correction=0), torch.ones(2), atol=1e-5)
