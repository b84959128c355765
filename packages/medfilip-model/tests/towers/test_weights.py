import pickle
from pathlib import Path

import pytest
import torch
from medfilip_model.errors import ConfigError
from medfilip_model.towers.weights import (
    Source,
    clip_part,
    load_exactly,
    local_source,
    read_state,
    without,
)
from safetensors.torch import save_file
from torch import Tensor, nn

SETTING = "model.image.weights"


def net() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))


def source(path: Path, *, ordered: bool = False) -> Source:
    return Source(path, SETTING, ordered)


class Attack:
    """What a pickle may do when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".bin"])
def test_a_pickle_is_never_run(suffix: str, tmp_path: Path):
    path, trace = tmp_path / f"w{suffix}", tmp_path / "run"
    torch.save({"state_dict": {"0.weight": torch.zeros(3, 2)}, "more": Attack(trace)}, path)
    with pytest.raises(ConfigError, match=r"can run code and is not loaded"):
        read_state(source(path))
    path.write_bytes(pickle.dumps(Attack(trace)))
    with pytest.raises(ConfigError, match=r"can run code and is not loaded|damaged"):
        read_state(source(path))
    assert not trace.exists()
    # The file is as harmful as it should be.
    pickle.loads(path.read_bytes())
    assert trace.exists()


def wrapped(state: dict[str, Tensor]) -> list[object]:
    module = {f"module.{key}": value for key, value in state.items()}
    return [state, {"state_dict": state, "epoch": 1}, {"model": state}, {"state_dict": module}]


@pytest.mark.parametrize("number", range(4))
def test_what_training_scripts_wrap_around_weights(number: int, tmp_path: Path):
    state = net().state_dict()
    torch.save(wrapped(dict(state))[number], tmp_path / "w.pt")
    found = read_state(source(tmp_path / "w.pt"))
    assert list(found) == list(state)
    assert all(torch.equal(found[key], state[key]) for key in state)


def test_safetensors(tmp_path: Path):
    model, other = net(), net()
    save_file(model.state_dict(), tmp_path / "w.safetensors")
    load_exactly(other, read_state(source(tmp_path / "w.safetensors")), source(tmp_path))
    assert all(torch.equal(other.state_dict()[k], v) for k, v in model.state_dict().items())


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("w.safetensors", b"\x10\0\0\0\0\0\0\0{}", "is cut short or damaged"),
        ("w.pt", b"PK\x03\x04 no archive", "is cut short or damaged|can run code"),
        ("w.pt", b"", "is cut short or damaged|can run code"),
        ("w.npz", b"x", r"is of no kind that is read: \.safetensors, \.pt, \.pth, \.bin"),
    ],
)
def test_files_that_are_none(name: str, content: bytes, message: str, tmp_path: Path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        read_state(source(tmp_path / name))
    assert str(tmp_path / name) in str(caught.value)
    assert SETTING in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"lr": 0.1}, "is no state dict: it holds an entry 'lr' that is no tensor"),
        ({}, "is no state dict: it holds nothing"),
        ([1], "holds a list in place of a state dict"),
    ],
)
def test_pickles_that_hold_no_weights(content: object, message: str, tmp_path: Path):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(ConfigError, match=message):
        read_state(source(tmp_path / "w.pt"))


@pytest.mark.filterwarnings(
    "ignore:.torch.jit:FutureWarning", "ignore:.torch.jit:DeprecationWarning"
)
def test_a_torchscript_program(tmp_path: Path):
    torch.jit.save(torch.jit.trace(net().eval(), torch.zeros(1, 2)), tmp_path / "w.pt")
    with pytest.raises(ConfigError, match="is a TorchScript program, which is not run"):
        read_state(source(tmp_path / "w.pt"))


def test_names_and_shapes_that_differ_are_named(tmp_path: Path):
    state = dict(net().state_dict())
    del state["0.weight"], state["0.bias"]
    state["extra.weight"] = torch.zeros(1)
    state["2.weight"] = torch.zeros(5, 5)
    model = net()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(ConfigError) as caught:
        load_exactly(model, state, source(tmp_path / "w.pt"))
    text = str(caught.value)
    assert "'0.weight' is missing" in text
    assert "'extra.weight' is not in the model" in text
    assert "'2.weight' is [5, 5] in place of [2, 3]" in text
    assert "4 faults in all" in text
    assert all(torch.equal(model.state_dict()[key], value) for key, value in before.items())


def test_counters_may_be_missing(tmp_path: Path):
    state = {k: v for k, v in net().state_dict().items() if "num_batches" not in k}
    load_exactly(net(), state, source(tmp_path))


def test_in_order(tmp_path: Path):
    theirs, mine = net(), net()
    state = {
        f"{n}_.{k.rpartition('.')[2]}": v for n, (k, v) in enumerate(theirs.state_dict().items())
    }
    load_exactly(mine, state, source(tmp_path, ordered=True))
    for key, value in theirs.state_dict().items():
        if "num_batches" not in key:
            assert torch.equal(mine.state_dict()[key], value)


def test_in_order_but_of_another_kind_or_shape(tmp_path: Path):
    """Mean and variance have one shape: their names tell them apart."""
    state = dict(net().state_dict())
    names = list(state)
    swapped = {n: state[n] for n in [*names[:4], "1.running_var", "1.running_mean", *names[6:]]}
    with pytest.raises(ConfigError, match=r"at place 4 the model has '1.running_mean' \[3\]"):
        load_exactly(net(), swapped, source(tmp_path, ordered=True))
    short = {n: state[n] for n in names[:-1]}
    with pytest.raises(ConfigError, match=r"the model has '2.bias' \[2\], the file 'nothing'"):
        load_exactly(net(), short, source(tmp_path, ordered=True))
    long = {**state, "more.weight": torch.zeros(1)}
    with pytest.raises(ConfigError, match=r"goes on with 'more.weight' where the model ends"):
        load_exactly(net(), long, source(tmp_path, ordered=True))


def test_the_parts_of_a_clip():
    beside = {"visual.a": torch.zeros(1), "logit_scale": torch.zeros(1), "ln.b": torch.ones(1)}
    below = {"visual.a": torch.zeros(1), "logit_scale": torch.zeros(1), "text.ln.b": torch.ones(1)}
    assert list(clip_part(beside, "visual")) == ["a"]
    assert list(clip_part(beside, "text")) == list(clip_part(below, "text")) == ["ln.b"]
    alone = {"conv1.weight": torch.zeros(1)}
    assert clip_part(alone, "visual") is alone


def test_modules_left_out_by_name():
    state = {"fc.weight": torch.zeros(1), "fc_norm.weight": torch.zeros(1)}
    assert list(without(state, ["fc"])) == ["fc_norm.weight"]


def test_a_local_file(tmp_path: Path):
    path = tmp_path / "w.pt"
    path.touch()
    assert local_source(str(path), SETTING, known=()) == Source(path, SETTING)
    assert local_source(f"ordered:{path}", SETTING, known=()) == Source(path, SETTING, ordered=True)
    with pytest.raises(ConfigError, match=r"'no.pt' is no file, and none of 'a', 'b'; give a file"):
        local_source("no.pt", SETTING, known=("a", "b"))
