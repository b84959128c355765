"""A model's hash changes with any of its numbers and with nothing else."""

import pytest
from medfilip_bench.models.identity import hash_weights, slug
from torch import nn


@pytest.mark.parametrize(
    ("name", "expected"), [("a b/c", "a-b-c"), ("..", "model"), ("x.1", "x.1")]
)
def test_slug(name, expected):
    assert slug(name) == expected


def test_the_hash_of_weights_is_of_every_name_and_number():
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = hash_weights(model)
    model[1].running_mean[2] += 1e-7
    after = hash_weights(model)
    assert before != after
    assert hash_weights(nn.Sequential(*model)) == after
    assert hash_weights(nn.ModuleDict({"a": model[0], "b": model[1]})) != after
