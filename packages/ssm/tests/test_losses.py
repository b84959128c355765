import math

import pytest
import torch
from ssm import SsmError, itm_loss, soft_cross_entropy, soft_sigmoid

P = torch.tensor([[1.0, 0.0], [0.5, -0.5]])
S = torch.tensor([[1.0, 0.5], [0.0, 1.0]])
# (1−1)² + (0−0.5)² + (0.5−0)² + (−0.5−1)², over 4 pairs
SQUARED = (0 + 0.25 + 0.25 + 2.25) / 4


def test_soft_cross_entropy_by_hand():
    logits = torch.tensor([[math.log(3), 0.0], [0.0, 0.0]])
    # Row 0: softmax (3/4, 1/4), target (2/3, 1/3). Row 1: softmax (1/2, 1/2), target (0, 1).
    first = -(2 / 3 * math.log(3 / 4) + 1 / 3 * math.log(1 / 4))
    expected = (first + math.log(2)) / 2
    assert soft_cross_entropy(logits, S).item() == pytest.approx(expected)


def test_soft_cross_entropy_with_one_hot_rows_is_the_usual_one():
    logits = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([3, 0, 6, 2, 2])
    hot = torch.nn.functional.one_hot(labels, 7).float()
    usual = torch.nn.functional.cross_entropy(logits, labels)
    torch.testing.assert_close(soft_cross_entropy(logits, hot), usual)
    torch.testing.assert_close(soft_cross_entropy(logits, 0.3 * hot), usual)


def test_a_row_of_zeros_adds_nothing_and_pulls_nothing():
    logits = torch.randn(3, 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
    targets = torch.rand(3, 4, generator=torch.Generator().manual_seed(2))
    targets[1] = 0
    loss = soft_cross_entropy(logits, targets)
    others = soft_cross_entropy(logits[[0, 2]], targets[[0, 2]])
    torch.testing.assert_close(loss, others * 2 / 3)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.isfinite().all()
    assert not gradient[1].any()
    assert gradient[0].any()


def test_soft_sigmoid_by_hand():
    logits = torch.tensor([[math.log(3), 0.0]])
    targets = torch.tensor([[0.25, 1.0]])
    expected = -(0.25 * math.log(3 / 4) + 0.75 * math.log(1 / 4) + math.log(1 / 2)) / 2
    assert soft_sigmoid(logits, targets).item() == pytest.approx(expected)


def test_paper_squares_the_bare_cosine_and_scales_the_softmax():
    scale = 2.0
    expected = SQUARED + soft_cross_entropy(scale * P, S).item()
    assert itm_loss(P, S, logit_scale=scale).item() == pytest.approx(expected)
    assert itm_loss(P, S, logit_scale=scale, variant="paper").item() == pytest.approx(expected)


def test_official_scales_both_terms():
    scale = 2.0
    squared = (1 + 0.25 + 1 + 4) / 4  # scaled logits 2, 0, 1, −1 against 1, 0.5, 0, 1
    expected = squared + soft_sigmoid(scale * P, S).item()
    assert itm_loss(P, S, logit_scale=scale, variant="official").item() == pytest.approx(expected)


@pytest.mark.parametrize("variant", ["paper", "official"])
def test_gradient_reaches_similarity_and_scale(variant):
    generator = torch.Generator().manual_seed(3)
    similarity = torch.rand(3, 5, generator=generator, dtype=torch.float64, requires_grad=True)
    scale = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
    targets = torch.rand(3, 5, generator=generator, dtype=torch.float64)
    targets[0] = 0
    assert torch.autograd.gradcheck(
        lambda p, s: itm_loss(p, targets, logit_scale=s, variant=variant), (similarity, scale)
    )


@pytest.mark.parametrize("variant", ["paper", "official"])
def test_half_precision_similarity_meets_full_precision_targets(variant):
    exact = itm_loss(P, S, logit_scale=3.0, variant=variant)
    rough = itm_loss(P.bfloat16(), S, logit_scale=torch.tensor(3.0), variant=variant)
    assert rough.item() == pytest.approx(exact.item(), rel=2e-2)


@pytest.mark.parametrize("variant", ["paper", "official"])
def test_loss_falls_towards_the_targets(variant):
    targets = torch.eye(3)
    near = itm_loss(targets * 0.9, targets, logit_scale=5.0, variant=variant)
    far = itm_loss(0.9 - targets * 0.9, targets, logit_scale=5.0, variant=variant)
    assert near < far


@pytest.mark.parametrize("variant", ["paper", "official"])
@pytest.mark.parametrize("shape", [(0, 0), (3, 0), (0, 3)])
def test_no_pairs_cost_nothing(variant, shape):
    similarity = torch.zeros(shape, requires_grad=True)
    loss = itm_loss(similarity, torch.zeros(shape), logit_scale=1.0, variant=variant)
    assert loss.item() == 0
    loss.backward()


@pytest.mark.usefixtures("unchecked_shapes")
def test_unknown_variant():
    with pytest.raises(SsmError, match="unknown variant 'clip': use 'paper' or 'official'"):
        itm_loss(P, S, logit_scale=1.0, variant="clip")
