"""Names → models; the random model knows nothing and is the same everywhere."""

import pytest
import torch
from medfilip_bench.errors import BenchError, UnknownNameError
from medfilip_bench.registry import (
    LOADERS,
    MODELS,
    RandomModel,
    hash_weights,
    load,
    slug,
    trained_on,
)
from torch import nn


@pytest.mark.parametrize(
    ("spec", "hint"),
    [("randm", "did you mean 'random'?"), ("rnu:PATH", "did you mean 'run:PATH'?")],
)
def test_unknown_names_suggest_near_ones(spec, hint):
    with pytest.raises(UnknownNameError) as caught:
        load(spec)
    assert repr(spec) in str(caught.value)
    assert hint in str(caught.value)
    assert "allowed: random, run:PATH" in str(caught.value)


def test_every_loader_is_listed():
    assert {name.partition(":")[0] for name in MODELS} == set(LOADERS)


def test_random_takes_no_argument():
    with pytest.raises(BenchError, match="takes no argument, got '7'"):
        load("random:7")


def test_random_embeddings_depend_on_the_content_alone():
    model = RandomModel(16)
    images = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8)
    alone = model.encode_image(images[1:2])
    assert torch.equal(model.encode_image(images)[1:2], alone)
    assert torch.allclose(alone.norm(dim=-1), torch.ones(1))
    assert not torch.equal(model.encode_image(images)[0], alone[0])
    # Drawn once and written down: the same on every machine.
    assert model.encode_text(["a"])[0, 0].item() == pytest.approx(
        RandomModel(16).encode_text(["b", "a"])[1, 0].item()
    )


def test_a_run_says_what_it_was_trained_on():
    record = {
        "config": {"data": {"folder": None, "findings": "x.jsonl"}, "epochs": 5},
        "resolved": {"train": 2900, "images": "phantoms"},
    }
    words = "2900 phantoms with findings read from their reports, 5 epochs"
    assert trained_on(record) == words
    record["config"]["data"] = {"folder": "cxr"}
    record["resolved"]["images"] = "nih"
    assert trained_on(record) == "2900 images of 'nih', 5 epochs"
    assert trained_on({}).startswith("an unknown number of")


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
