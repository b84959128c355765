import json
import random

import numpy as np
import pytest
import torch
from medfilip_model.training.rng import all_states, set_all_states
from medfilip_model.training.tree import flatten, unflatten

CPU = torch.device("cpu")


def draw() -> list[float]:
    legacy = np.random.normal()  # noqa: NPY002 - the global generator is what is saved
    return [random.random(), random.gauss(0, 1), legacy, torch.rand(1).item()]


def test_all_generators_go_on_where_they_were_through_json():
    random.gauss(0, 1)  # leaves a spare number behind
    np.random.normal()  # noqa: NPY002 - as above
    tensors, values = flatten(all_states(CPU))
    expected = draw()
    draw()
    set_all_states(unflatten(tensors, json.loads(json.dumps(values))), CPU)
    assert draw() == expected


def test_foreign_states_are_refused():
    with pytest.raises(ValueError, match="not those of the random generators"):
        set_all_states({"torch": 3}, CPU)
