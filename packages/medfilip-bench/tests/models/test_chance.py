"""The random model knows nothing and is the same everywhere."""

import pytest
import torch
from medfilip_bench.errors import ModelError
from medfilip_bench.models.chance import RandomModel, load_random


def test_random_takes_no_argument():
    with pytest.raises(ModelError, match="takes no argument, got '7'"):
        load_random("7", "cpu")


def test_random_embeddings_depend_on_the_content_alone(images):
    model = RandomModel(16)
    some = images(8, 3)
    alone = model.encode_image(some[1:2])
    assert torch.equal(model.encode_image(some)[1:2], alone)
    assert torch.allclose(alone.norm(dim=-1), torch.ones(1))
    assert not torch.equal(model.encode_image(some)[0], alone[0])
    # Drawn once and written down: the same on every machine.
    assert model.encode_text(["a"])[0, :2].tolist() == pytest.approx([0.18447, -0.00448], abs=1e-4)
    assert torch.equal(model.encode_text(["b", "a"])[1], RandomModel(16).encode_text(["a"])[0])
