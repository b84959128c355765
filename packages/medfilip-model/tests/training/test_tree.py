import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from medfilip_model.training.tree import flatten, unflatten

leaves = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
keys = st.text(min_size=1).filter(lambda key: not key.startswith("$")) | st.integers()
trees = st.recursive(leaves, lambda t: st.lists(t) | st.dictionaries(keys, t), max_leaves=12)


@given(trees)
def test_what_is_flattened_comes_back_through_json(tree: object):
    tensors, values = flatten(tree)
    assert tensors == {}
    assert unflatten({}, json.loads(json.dumps(values))) == tree


def test_tensors_are_named_by_their_path():
    tree = {
        "state": {0: {"m": torch.ones(2), "step": torch.tensor(3)}},
        "groups": [{"betas": (1, 2)}],
    }
    tensors, values = flatten(tree)
    assert set(tensors) == {"state/0/m", "state/0/step"}
    back = unflatten(tensors, json.loads(json.dumps(values)))
    assert back["state"][0]["m"] is tensors["state/0/m"]
    assert back["groups"] == [{"betas": [1, 2]}]


def test_anything_else_is_refused_with_its_place():
    with pytest.raises(TypeError, match="a function at 'a/0' cannot be saved"):
        flatten({"a": [lambda: None]})


def test_a_missing_tensor_is_an_error():
    with pytest.raises(KeyError):
        unflatten({}, {"$tensor": "gone"})
