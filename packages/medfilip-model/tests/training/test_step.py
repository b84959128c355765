import pytest
import torch
from medfilip_model.config import FusionConfig, ModelConfig
from medfilip_model.model import MedFILIP
from medfilip_model.training.forward import (
    Outputs,
    TrainingPass,
    frozen_statistics,
    join,
    split,
)
from medfilip_model.training.step import backward
from torch import Tensor, nn

N, U = 12, 5


def loss_of(out: Outputs) -> Tensor:
    """Looks at rows and columns at once, so that no part of it is a sum over images."""
    similarity = out.images @ out.texts.T * out.scale
    loss = similarity.softmax(0).square().sum() + similarity.logsumexp(1).mean()
    if out.presence is not None:
        loss = loss + out.presence.softmax(0).square().sum()
    if out.location is not None:
        loss = loss + out.location.softmax(0).square().sum()
    if out.attributes is not None:
        loss = loss + (out.images @ out.attributes.T).softmax(0).square().sum()
    return loss


@pytest.fixture
def inputs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(1, 400, (U, 7), generator=generator)
    tokens[:, -1] = 49407
    return torch.randn((N, 1, 32, 32), generator=generator), tokens


def gradients(module: nn.Module, parts, **options) -> tuple[float, dict[str, Tensor]]:
    module.zero_grad()
    loss = backward(module, parts, loss_of, **options)
    return loss.item(), {
        name: p.grad.clone() for name, p in module.named_parameters() if p.grad is not None
    }


# The fusion head and the attributes together: neither touches the other.
@pytest.mark.parametrize("fusion", [False, True])
@pytest.mark.parametrize("size", [1, 5, 6, 11])
def test_parts_give_the_gradient_of_the_whole(
    layered_model_config: ModelConfig, inputs, size: int, fusion: bool
):
    torch.manual_seed(0)
    head = FusionConfig(width=16, heads=2, layers=1, dropout=0.0, places=("left", "base"))
    config = layered_model_config.model_copy(update={"fusion": head if fusion else None})
    asked = (inputs[1][:3], inputs[1][1:, 2:]) if fusion else (None, None)
    module = TrainingPass(MedFILIP(config), *asked).train()
    # The reference does not pass through the code under test.
    module.zero_grad()
    expected_loss = loss_of(module(*inputs))
    expected_loss.backward()
    expected = {n: p.grad.clone() for n, p in module.named_parameters() if p.grad is not None}
    parts = split(*inputs, size)
    assert len(parts) == -(-N // size)
    loss, got = gradients(module, parts)
    assert loss == pytest.approx(expected_loss.item(), abs=1e-5)
    assert got.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(got[name], gradient, rtol=1e-5, atol=1e-5)
    one = gradients(module, split(*inputs, None))[1]
    assert all(torch.equal(one[name], gradient) for name, gradient in expected.items())


class Noisy(nn.Module):
    """Dropout and batch normalisation on vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(6)
        self.drop = nn.Dropout(0.5)
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.seen: list[Tensor] = []

    def forward(self, pixels: Tensor, tokens: Tensor, ask: bool = True) -> Outputs:
        images = self.drop(self.norm(pixels.flatten(1)))
        self.seen.append(images.detach())
        texts = self.drop(tokens / 9 * self.scale)
        return Outputs(images * self.scale, texts, None, None, self.scale * 1)


def test_both_passes_draw_the_same_dropout_and_what_follows_goes_on():
    module = Noisy().train()
    x, y = torch.randn(8, 1, 2, 3), torch.randint(9, (4, 6))
    parts = split(x, y, 4)
    torch.manual_seed(3)
    backward(module, parts, loss_of)
    after = torch.rand(3)
    first, second = module.seen[:2], module.seen[2:]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert not torch.equal(first[0] == 0, first[1] == 0)
    torch.manual_seed(3)
    with torch.no_grad():
        for part in parts:
            module(*part)
    assert torch.equal(torch.rand(3), after)


def test_running_statistics_advance_once_a_part():
    one, two = Noisy().train(), Noisy().train()
    x, y = torch.randn(8, 1, 2, 3), torch.randint(9, (4, 6))
    backward(one, split(x, y, 4), loss_of)
    for part in split(x, y, 4):
        two(*part)
    assert torch.equal(one.norm.running_mean, two.norm.running_mean)
    assert torch.equal(one.norm.running_var, two.norm.running_var)
    assert one.norm.num_batches_tracked == 2


def test_frozen_statistics_restores_after_an_error():
    norm = nn.BatchNorm1d(2)
    before = norm.running_mean.clone()

    def breaks() -> None:
        with frozen_statistics(norm):
            norm(torch.randn(4, 2))
            assert not torch.equal(norm.running_mean, before)
            raise KeyError

    with pytest.raises(KeyError):
        breaks()
    assert torch.equal(norm.running_mean, before)


def test_a_scaler_scales_gradients_and_not_the_loss():
    class Thousand:
        def scale(self, outputs: Tensor) -> Tensor:
            return outputs * 1000

    module = Noisy().eval()
    parts = split(torch.randn(8, 1, 2, 3), torch.randint(9, (4, 6)), 4)
    plain, expected = gradients(module, parts)
    loss, scaled = gradients(module, parts, scaler=Thousand())
    assert loss == plain
    for name, gradient in expected.items():
        torch.testing.assert_close(scaled[name], gradient * 1000, rtol=1e-3, atol=1e-2)


def test_the_last_part_has_texts_even_where_they_are_few():
    parts = split(torch.zeros(10, 1, 4, 4), torch.zeros((2, 3), dtype=torch.long), 2)
    assert [len(p.pixels) for p in parts] == [2] * 5
    assert [len(p.tokens) for p in parts] == [0, 0, 0, 1, 1]


def test_only_the_last_part_is_exchanged():
    from contextlib import contextmanager

    within = []

    @contextmanager
    def no_sync():
        within.append(True)
        yield
        within.append(False)

    backward(
        Noisy(),
        split(torch.randn(9, 1, 2, 3), torch.randint(9, (4, 6)), 3),
        loss_of,
        no_sync=no_sync,
    )
    assert within == [True, False] * 2


def test_join_keeps_rows_in_order():
    outs = [
        Outputs(torch.full((n, 2), n), torch.zeros(1, 2), None, None, torch.ones(()))
        for n in (2, 3)
    ]
    whole = join(outs)
    assert whole.images[:, 0].tolist() == [2, 2, 3, 3, 3]
    assert whole.presence is None
