import math
from dataclasses import replace

import pytest
import torch
from medfilip_model.config import FusionConfig, LossConfig, ModelConfig, TargetConfig
from medfilip_model.data.collate import Batch
from medfilip_model.data.transforms import standardise
from medfilip_model.errors import ConfigError
from medfilip_model.fusion import FusionOutput
from medfilip_model.loss import (
    Attributes,
    Targets,
    batch_loss,
    embedding_loss,
    entity_queries,
    fusion_loss,
)
from medfilip_model.model import Embedded, MedFILIP
from ssm import Calibration, LabelBank
from torch import nn

TEXTS = ("left effusion", "right effusion", "mass")
NAN = math.nan


class _Untrimmed:
    def trim(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens


class Fixed(nn.Module):
    """A model whose embeddings a person can multiply by hand."""

    fusion = None
    tokenizer = _Untrimmed()

    def __init__(self, images: list[list[float]], texts: list[list[float]], scale: float) -> None:
        super().__init__()
        self.images, self.texts = torch.tensor(images), torch.tensor(texts)
        self.scale = torch.tensor(scale)

    def forward(self, pixels: torch.Tensor, tokens: torch.Tensor) -> Embedded:
        # Token 0 of each row is the text's number.
        return Embedded(self.images, self.texts[tokens[:, 0] - 1], self.scale, None)


def targets(variant: str = "paper", tokens: torch.Tensor | None = None) -> Targets:
    """Texts 0 and 1 have cosine 0.6; text 2 is at right angles to both."""
    vectors = torch.tensor([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    return Targets(
        bank=LabelBank(TEXTS, vectors, "hand", "hand"),
        tokens=torch.tensor([[1], [2], [3]]) if tokens is None else tokens,
        group=None,
        config=TargetConfig(),
        loss=LossConfig.model_validate({"variant": variant}),
        calibration=Calibration(),
    )


def batch(size: int = 2) -> Batch:
    """Image 0 has texts 0 and 2, image 1 has text 1, image 2 has none."""
    return Batch(
        images=torch.zeros(3, 1, size, size, dtype=torch.uint8),
        text=torch.tensor([0, 2, 1]),
        owner=torch.tensor([0, 0, 1]),
        labels=torch.tensor([[1.0, 0.0], [NAN, 1.0], [0.0, 0.0]]),
        places=torch.tensor([[[1.0, 0.0], [NAN, NAN]]] * 3),
    )


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


def test_encoding_each_unique_text_once_equals_encoding_them_all(tiny_model: MedFILIP):
    """Value and gradient; dropping the inverse index would permute the columns."""
    tiny_model.eval()
    goal = targets(tokens=tiny_model.tokenizer(TEXTS))
    pixels = standardise(torch.rand(4, 1, 32, 32))
    repeated = Batch(
        images=torch.zeros(4, 1, 32, 32, dtype=torch.uint8),
        text=torch.tensor([2, 1, 2, 1, 1, 2]),  # text 0 is not in the batch
        owner=torch.tensor([0, 1, 1, 2, 3, 3]),
    )
    once = batch_loss(tiny_model, pixels, repeated, goal)
    once.backward()
    gradient = {n: p.grad.clone() for n, p in tiny_model.named_parameters() if p.grad is not None}
    tiny_model.zero_grad()
    naive = embedding_loss(
        tiny_model.encode_image(pixels),
        tiny_model.encode_text([TEXTS[t] for t in repeated.text]),
        tiny_model.logit_scale,
        goal.of(repeated),
        goal.loss,
    )
    naive.backward()

    torch.testing.assert_close(once, naive, atol=1e-5, rtol=1e-4)
    assert gradient
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
    repeated = Batch(
        images=torch.zeros(2, 1, 32, 32, dtype=torch.uint8),
        text=torch.tensor([1, 1, 1, 0]),
        owner=torch.tensor([0, 0, 1, 1]),
    )
    goal = targets(tokens=tiny_model.tokenizer(TEXTS))
    batch_loss(tiny_model, torch.rand(2, 1, 32, 32), repeated, goal)
    assert seen == [2]


@pytest.fixture
def fused(tiny_model_config: ModelConfig) -> MedFILIP:
    torch.manual_seed(0)
    head = FusionConfig(width=16, heads=2, layers=1, dropout=0.0, places=("left", "right"))
    return MedFILIP(tiny_model_config.model_copy(update={"fusion": head})).eval()


def asking(model: MedFILIP) -> Targets:
    goal = targets(tokens=model.tokenizer(TEXTS))
    asked = model.tokenizer(["fluid at the lung base", "a round opacity"])
    return replace(goal, entities=asked, balance=torch.tensor([2.0, 0.5]))


def test_a_fusion_head_adds_its_loss(fused: MedFILIP):
    pixels, goal = standardise(torch.rand(3, 1, 32, 32)), asking(fused)
    found = batch_loss(fused, pixels, batch(32), goal)
    queries = entity_queries(fused, goal)
    assert queries is not None
    assert fused.fusion is not None
    said = fused.fusion(fused.image_tower.forward_map(pixels), queries)
    assert isinstance(said, FusionOutput)
    assert said.location is not None
    own = fusion_loss(said, batch().labels, batch().places, balance=goal.balance)
    dual = embedding_loss(
        fused.encode_image(pixels),
        fused.encode_text([TEXTS[t] for t in batch().text]),
        fused.logit_scale,
        goal.of(batch()),
        goal.loss,
    )
    torch.testing.assert_close(found, dual + own, atol=1e-5, rtol=1e-5)


def test_the_head_teaches_the_image_tower_and_not_the_text_tower(fused: MedFILIP):
    goal = asking(fused)
    queries = entity_queries(fused, goal)
    assert queries is not None
    assert not queries.requires_grad
    assert fused.fusion is not None
    fused.fusion(fused.encode_map(torch.rand(2, 1, 32, 32)), queries).presence.sum().backward()
    taught = {n.split(".")[0] for n, p in fused.named_parameters() if p.grad is not None}
    assert taught == {"image_tower", "fusion"}


def test_a_batch_without_any_label_or_text_is_finite(fused: MedFILIP):
    """Every parameter of the towers' outputs still has a gradient, which is 0."""
    none = torch.zeros(0, dtype=torch.long)
    empty = batch(32)._replace(
        text=none, owner=none, labels=torch.full((3, 2), NAN), places=torch.full((3, 2, 2), NAN)
    )
    loss = batch_loss(fused, standardise(torch.rand(3, 1, 32, 32)), empty, asking(fused))
    loss.backward()
    assert loss == 0
    assert all(p.grad is None or not p.grad.any() for p in fused.parameters())


def test_a_wrapped_model_is_asked_through_its_wrapper(fused: MedFILIP):
    class Wrapper(nn.Module):
        calls = 0

        def __init__(self, module: nn.Module) -> None:
            super().__init__()
            self.module = module

        def forward(self, *given: torch.Tensor) -> Embedded:
            self.calls += 1
            return self.module(*given)

    wrapped, pixels = Wrapper(fused), standardise(torch.rand(3, 1, 32, 32))
    found = batch_loss(wrapped, pixels, batch(32), asking(fused))
    assert wrapped.calls == 1
    torch.testing.assert_close(found, batch_loss(fused, pixels, batch(32), asking(fused)))


def test_a_head_without_entities_or_labels_is_refused(fused: MedFILIP):
    pixels, goal = torch.rand(3, 1, 32, 32), asking(fused)
    with pytest.raises(ConfigError, match="the targets name no entities"):
        batch_loss(fused, pixels, batch(32), replace(goal, entities=None))
    with pytest.raises(ConfigError, match="the batch has no labels"):
        batch_loss(fused, pixels, batch(32)._replace(labels=None), goal)


def test_a_dual_encoder_has_no_queries(tiny_model: MedFILIP):
    assert entity_queries(tiny_model, targets()) is None


def test_attributes_add_their_loss(tiny_model: MedFILIP):
    """The same as by hand from the model's own embeddings."""
    known = Attributes(("a", "b"), tiny_model.tokenizer(["hazy", "round"]), torch.eye(3)[:, :2])
    words = tiny_model.tokenizer(TEXTS)
    plain = targets(tokens=words)
    loss = LossConfig(attributes=0.5)
    both = replace(plain, attributes=known, loss=loss)
    pixels = standardise(torch.rand(3, 1, 32, 32))
    tiny_model.eval()
    found = batch_loss(tiny_model, pixels, batch(32), both)
    images = tiny_model(pixels, words).images
    phrases = tiny_model.encode_text(["hazy", "round"])
    # Image 0 has texts 0 and 2, image 1 has text 1.
    shown = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    extra = 0.5 * embedding_loss(images, phrases, tiny_model.logit_scale, shown, LossConfig())
    torch.testing.assert_close(found, batch_loss(tiny_model, pixels, batch(32), plain) + extra)
