import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from medfilip_model.config import LossConfig
from medfilip_model.loss import embedding_loss, info_nce, semantic_reward
from ssm import itm_loss, soft_sigmoid
from torch.nn import functional

CONFIGS = [
    LossConfig(name="itm", variant="paper"),
    LossConfig(name="itm", variant="official"),
    LossConfig(name="sigmoid"),
    LossConfig(name="infonce"),
    LossConfig(name="infonce", semantic_reward=0.7),
]
NAMES = ["paper", "official", "sigmoid", "infonce", "reward"]
every_loss = pytest.mark.parametrize("config", CONFIGS, ids=NAMES)


def given_batch(
    n: int = 3, m: int = 5, seed: int = 0, dtype: torch.dtype = torch.float64
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(seed)
    images, texts = torch.randn(n, 4, generator=g), torch.randn(m, 4, generator=g)
    unit = (functional.normalize(x, dim=-1).to(dtype) for x in (images, texts))
    return *unit, torch.tensor(3.0, dtype=dtype), torch.rand(n, m, generator=g).to(dtype)


@pytest.mark.parametrize("variant", ["paper", "official"])
def test_itm_is_that_of_ssm(variant: str):
    images, texts, scale, targets = given_batch()
    config = LossConfig.model_validate({"name": "itm", "variant": variant})
    expected = itm_loss(
        images @ texts.T,
        targets,
        logit_scale=scale,
        variant=config.variant,
    )
    assert embedding_loss(images, texts, scale, targets, config) == expected


def test_sigmoid_is_that_of_ssm():
    images, texts, scale, targets = given_batch()
    expected = soft_sigmoid(3 * images @ texts.T, targets)
    assert embedding_loss(images, texts, scale, targets, LossConfig(name="sigmoid")) == expected


def test_infonce_of_the_identity_is_the_textbook_loss():
    images, texts, scale, _ = given_batch(n=4, m=4)
    logits, numbers = 3 * images @ texts.T, torch.arange(4)
    textbook = functional.cross_entropy(logits, numbers) + functional.cross_entropy(
        logits.T, numbers
    )
    identity = torch.eye(4, dtype=torch.float64)
    found = embedding_loss(images, texts, scale, identity, LossConfig(name="infonce"))
    torch.testing.assert_close(found, textbook / 2)


def test_infonce_with_several_positives_by_hand():
    logits = torch.tensor([[math.log(2), 0.0], [0.0, 0.0]])
    targets = torch.tensor([[1.0, 0.5], [0.0, 0.5]])
    # Rows of S: (2/3, 1/3), (0, 1); softmax of the rows: (2/3, 1/3), (1/2, 1/2).
    rows = -(2 / 3 * math.log(2 / 3) + 1 / 3 * math.log(1 / 3)) - math.log(1 / 2)
    # Columns of S: (1, 0), (1/2, 1/2); softmax of the columns: (2/3, 1/3), (1/2, 1/2).
    columns = -math.log(2 / 3) - math.log(1 / 2)
    assert info_nce(logits, targets).item() == pytest.approx((rows / 2 + columns / 2) / 2)


def test_the_semantic_reward_by_hand():
    logits = torch.tensor([[math.log(3), 0.0], [0.0, 0.0], [5.0, 1.0]])
    targets = torch.tensor([[1.0, 0.2], [0.4, 1.0], [0.0, 0.0]])
    # The third image has no text: nothing to retrieve.
    expected = ((1 - 0.75 - 0.25 * 0.2) + (1 - 0.2 - 0.5)) / 3
    assert semantic_reward(logits, targets).item() == pytest.approx(expected)


def test_the_reward_is_weighted_and_added():
    images, texts, scale, targets = given_batch()
    bare = embedding_loss(images, texts, scale, targets, LossConfig(name="infonce"))
    reward = semantic_reward(3 * images @ texts.T, targets)
    found = embedding_loss(
        images, texts, scale, targets, LossConfig(name="infonce", semantic_reward=0.25)
    )
    torch.testing.assert_close(found, bare + 0.25 * reward)


@every_loss
def test_gradients_are_right(config: LossConfig):
    images, texts, scale, targets = given_batch()
    targets[1] = 0  # an image without a text
    leaves = [x.requires_grad_() for x in (images, texts, scale)]
    assert torch.autograd.gradcheck(
        lambda i, t, s: embedding_loss(i, t, s, targets, config), leaves
    )


@every_loss
@given(seed=st.integers(0, 50))
def test_the_order_of_images_and_texts_does_not_matter(config: LossConfig, seed: int):
    images, texts, scale, targets = given_batch(seed=seed)
    g = torch.Generator().manual_seed(seed)
    rows, columns = torch.randperm(3, generator=g), torch.randperm(5, generator=g)
    found = embedding_loss(images[rows], texts[columns], scale, targets[rows][:, columns], config)
    torch.testing.assert_close(found, embedding_loss(images, texts, scale, targets, config))


@every_loss
@pytest.mark.parametrize(("n", "m"), [(3, 0), (1, 1), (2, 4)])
def test_batches_without_texts_or_positives_are_finite(config: LossConfig, n: int, m: int):
    images, texts, scale, targets = given_batch(n, m)
    leaves = [x.requires_grad_() for x in (images, texts, scale)]
    for wanted in (targets, torch.zeros_like(targets)):
        loss = embedding_loss(images, texts, scale, wanted, config)
        assert loss.isfinite()
        assert m or loss == 0
        for gradient in torch.autograd.grad(loss, leaves, allow_unused=True):
            assert gradient is None or gradient.isfinite().all()


@every_loss
def test_better_embeddings_have_a_lower_loss(config: LossConfig):
    """Following the gradient for a while must help: a wrong sign would not."""
    images, texts, scale, _ = given_batch(4, 4)
    targets = torch.eye(4, dtype=torch.float64)
    images, texts = images.requires_grad_(), texts.requires_grad_()
    first = embedding_loss(images, texts, scale, targets, config)
    for gradient, x in zip(
        torch.autograd.grad(first, [images, texts]), (images, texts), strict=True
    ):
        x.data -= 0.1 * gradient
    assert embedding_loss(images, texts, scale, targets, config) < first


@every_loss
def test_autocast_does_not_round_the_cosines(config: LossConfig):
    exact = given_batch()
    images, texts, scale, targets = (x.float() for x in exact)
    with torch.autocast("cpu", torch.bfloat16):
        found = embedding_loss(images, texts, scale, targets, config)
    expected = embedding_loss(*exact, config).float()
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)
