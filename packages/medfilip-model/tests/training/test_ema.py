import pytest
import torch
from medfilip_model.training.ema import Ema
from torch import nn


def test_the_average_follows_the_weights():
    model = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
    ema = Ema(model, 0.5)
    expected, value = 0.0, 0.0
    for step in range(1, 30):
        value = float(step)
        with torch.no_grad():
            model.weight.fill_(value)
        ema.update()
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * value
    with ema.applied():
        assert model.weight.item() == pytest.approx(expected, rel=1e-5)
    assert model.weight.item() == value


def test_weights_come_back_after_an_error():
    model = nn.Linear(2, 2)
    ema = Ema(model, 0.9)
    before = model.weight.detach().clone()
    with torch.no_grad():
        model.weight.add_(1)

    def breaks() -> None:
        with ema.applied():
            assert torch.equal(model.weight, before)
            raise KeyError

    with pytest.raises(KeyError):
        breaks()
    assert torch.equal(model.weight, before + 1)


def test_a_restored_average_goes_on_alike():
    torch.manual_seed(0)
    a = nn.Linear(3, 3)
    ema = Ema(a, 0.9)
    for _ in range(3):
        with torch.no_grad():
            a.weight.add_(torch.randn(3, 3))
        ema.update()
    state = {
        k: [t.clone() for t in v] if isinstance(v, list) else v for k, v in ema.state().items()
    }
    b = nn.Linear(3, 3)
    with ema.applied():
        b.load_state_dict(a.state_dict())
    other = Ema(b, 0.9)
    other.restore(state)
    assert torch.equal(a.weight, b.weight)
    for model, average in ((a, ema), (b, other)):
        with torch.no_grad():
            model.weight.mul_(2)
        average.update()
    with ema.applied(), other.applied():
        assert torch.equal(a.weight, b.weight)


def test_a_foreign_state_is_refused():
    with pytest.raises(ValueError, match="no state of an average"):
        Ema(nn.Linear(1, 1), 0.9).restore({"mean": 3})
