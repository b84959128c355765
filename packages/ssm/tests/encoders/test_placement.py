import pytest
import torch
from ssm import EncoderError
from ssm.encoders import placement
from ssm.encoders.placement import Placement, place

CPU = torch.device("cpu")


def test_one_device():
    found = place("x", "cpu")
    assert found == Placement((CPU,), torch.float32)
    assert found.device == CPU
    assert found.parts == {}
    assert place("x", devices=["cpu"]) == found


def test_several_devices_leave_this_process_on_the_cpu():
    found = Placement((torch.device("cuda:0"), torch.device("cuda:1")), torch.float32)
    assert found.device == CPU
    assert place("x", devices=("cpu", torch.device("cpu"))).devices == (CPU, CPU)


@pytest.mark.parametrize(
    ("fast", "devices", "dtype"),
    [
        ((), ["cpu", "meta"], torch.float32),
        (("meta",), ["meta"], torch.bfloat16),
        (("meta",), ["meta", "cpu"], torch.float32),
        (("meta", "cpu"), ["meta", "cpu"], torch.bfloat16),
    ],
)
def test_auto_is_bfloat16_where_every_device_has_it(monkeypatch, fast, devices, dtype):
    monkeypatch.setattr(placement, "_fast_bfloat16", lambda device: device.type in fast)
    assert place("x", devices=devices).dtype == dtype


def test_an_explicit_dtype_is_taken_anywhere():
    assert place("x", "cpu", dtype="bfloat16").parts == {"dtype": "bfloat16"}
    assert place("x", "cpu", dtype="float32").parts == {}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_auto_on_this_machines_gpu():
    expected = torch.cuda.is_bf16_supported(including_emulation=False)
    assert (place("x").dtype == torch.bfloat16) == expected


def test_weights_are_cast_and_buffers_are_not():
    model = torch.nn.BatchNorm1d(3)
    place("x", "cpu", dtype="bfloat16").cast(model)
    assert model.weight.dtype == torch.bfloat16
    assert model.running_mean.dtype == torch.float32


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dtype": "float16"}, "unknown dtype 'float16', use one of 'auto', 'float32', 'bfloat16'"),
        ({"device": "cpu", "devices": ["cpu"]}, "both device 'cpu' and devices"),
        ({"devices": []}, r"such as \['cuda:0', 'cuda:1'\], got \[\]"),
        ({"devices": "cuda"}, "got 'cuda'"),
        ({"device": "gpu"}, "device 'gpu' cannot be used here; use 'cpu'"),
        ({"devices": ["cpu", "cuda:99"]}, "device 'cuda:99' cannot be used here"),
    ],
)
def test_what_cannot_be_is_named(options, message):
    with pytest.raises(EncoderError, match=f"encoder 'x': .*{message}"):
        place("x", **options)
