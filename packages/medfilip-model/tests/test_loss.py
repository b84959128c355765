import math

import pytest
import torch
from medfilip_model.config import TargetConfig
from medfilip_model.data.collate import Batch
from medfilip_model.data.transforms import standardise
from medfilip_model.loss import Targets, batch_loss, similarity
from medfilip_model.model import MedFILIP
from medfilip_model.towers import tokenize
from ssm import Calibration, LabelBank
from torch import nn

TEXTS = ("left effusion", "right effusion", "mass")


class Fixed(nn.Module):
    """A model whose embeddings a person can multiply by hand."""

    def __init__(self, images: list[list[float]], texts: list[list[float]], scale: float) -> None:
        super().__init__()
        self.images, self.texts = torch.tensor(images), torch.tensor(texts)
        self.scale = torch.tensor(scale)

    def forward(self, pixels: torch.Tensor, tokens: torch.Tensor):
        # Token 0 of each row is the text's number.
        return self.images, self.texts[tokens[:, 0] - 1], self.scale


def targets(
    variant: str, *, group: list[int] | None = None, calibration: Calibration | None = None
) -> Targets:
    """Texts 0 and 1 have cosine 0.6; text 2 is at right angles to both."""
    vectors = torch.tensor([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    bank = LabelBank(TEXTS, vectors, "hand", "hand")
    config = TargetConfig.model_validate({"variant": variant, "group": group is not None})
    numbers = torch.tensor([[1], [2], [3]])
    mask = None if group is None else torch.tensor(group)
    return Targets(bank, numbers, mask, config, calibration or Calibration())


def batch() -> Batch:
    """Image 0 has texts 0 and 2, image 1 has text 1, image 2 has none."""
    return Batch(
        torch.zeros(3, 1, 2, 2, dtype=torch.uint8), torch.tensor([0, 2, 1]), torch.tensor([0, 0, 1])
    )


def test_targets_of_a_batch_by_hand():
    expected = torch.tensor([[1.0, 1.0, 0.6], [0.6, 0.0, 1.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(targets("paper").of(batch()), expected)


def test_calibrated_targets_of_a_batch_by_hand():
    # 0.6 lies half way between 0.2 and 1; what lay below 0.2 is clamped to 0.
    expected = torch.tensor([[1.0, 1.0, 0.5], [0.5, 0.0, 1.0], [0.0, 0.0, 0.0]])
    found = targets("paper", calibration=Calibration(low=0.2)).of(batch())
    torch.testing.assert_close(found, expected)


def test_the_mask_keeps_similarities_within_a_category():
    expected = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(targets("paper", group=[0, 1, 2]).of(batch()), expected)


@pytest.mark.parametrize("variant", ["paper", "official"])
def test_the_loss_by_hand(variant: str):
    model = Fixed([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]], [[1.0, 0.0], [0.0, 1.0], [0.8, 0.6]], 2.0)
    # Columns are the batch's texts 0, 2, 1.
    p = [[1.0, 0.8, 0.0], [0.0, 0.6, 1.0], [0.6, 0.96, 0.8]]
    s = [[1.0, 1.0, 0.6], [0.6, 0.0, 1.0], [0.0, 0.0, 0.0]]
    logits = [[2 * x for x in row] for row in p]
    if variant == "paper":
        squared = (
            sum((a - b) ** 2 for x, y in zip(p, s, strict=True) for a, b in zip(x, y, strict=True))
            / 9
        )
        entropy = 0.0
        for x, y in zip(logits, s, strict=True):
            if total := sum(y):
                log_sum = math.log(sum(math.exp(v) for v in x))
                entropy -= sum(t / total * (v - log_sum) for v, t in zip(x, y, strict=True))
        expected = squared + entropy / 3
    else:
        pairs = [(a, b) for x, y in zip(logits, s, strict=True) for a, b in zip(x, y, strict=True)]
        squared = sum((a - b) ** 2 for a, b in pairs) / 9
        bce = sum(math.log1p(math.exp(a)) - a * b for a, b in pairs) / 9
        expected = squared + bce
    loss = batch_loss(model, torch.zeros(3, 1, 2, 2), batch(), targets(variant))
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_gathering_unique_texts_equals_encoding_them_all(tiny_model: MedFILIP):
    """Value and gradient; dropping the inverse index would permute the columns."""
    tiny_model.eval()
    tokens = tokenize(TEXTS, tiny_model.config.text.context)
    pixels = standardise(torch.rand(4, 1, 32, 32))
    text = torch.tensor([2, 0, 2, 1, 0, 2])
    weight = torch.rand(4, 6)

    gathered, _ = similarity(tiny_model, pixels, text, tokens)
    (gathered * weight).sum().backward()
    gradient = {n: p.grad.clone() for n, p in tiny_model.named_parameters() if p.grad is not None}
    tiny_model.zero_grad()
    naive = tiny_model.encode_image(pixels) @ tiny_model.encode_text([TEXTS[t] for t in text]).T
    (naive * weight).sum().backward()

    torch.testing.assert_close(gathered, naive, atol=1e-5, rtol=1e-4)
    for name, parameter in tiny_model.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(gradient[name], parameter.grad, atol=1e-4, rtol=1e-3)


def test_each_unique_text_is_encoded_once(tiny_model: MedFILIP, monkeypatch: pytest.MonkeyPatch):
    seen: list[int] = []
    encode = tiny_model.encode_tokens

    def counting(tokens: torch.Tensor) -> torch.Tensor:
        seen.append(len(tokens))
        return encode(tokens)

    monkeypatch.setattr(tiny_model, "encode_tokens", counting)
    tokens = tokenize(TEXTS, tiny_model.config.text.context)
    similarity(tiny_model, torch.rand(2, 1, 32, 32), torch.tensor([1, 1, 1, 0]), tokens)
    assert seen == [2]
