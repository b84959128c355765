import pytest
import torch
from iki_knowledge import KnowledgeBase
from medfilip_model.config import LossConfig
from medfilip_model.errors import ConfigError
from medfilip_model.loss import Attributes, attribute_loss, embedding_loss


def lengths(texts) -> torch.Tensor:
    return torch.tensor([[len(text)] for text in texts])


def test_the_attributes_are_those_of_the_findings(kb: KnowledgeBase):
    known = Attributes.build(("nodule", "", "mass", "nodule"), kb, lengths)
    own = {c: set(kb[c].attributes) for c in ("nodule", "mass")}
    assert set(known.names) == own["nodule"] | own["mass"]
    by_id = {a.id: a.text for a in kb.attributes}
    assert known.tokens[:, 0].tolist() == [len(by_id[name]) for name in known.names]
    for row, category in enumerate(("nodule", None, "mass", "nodule")):
        told = {n for n, x in zip(known.names, known.shown[row].tolist(), strict=True) if x}
        assert told == own.get(category, set())


def test_an_image_shows_what_any_of_its_texts_has():
    shown = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    known = Attributes(("a", "b", "c"), torch.ones(3, 1).long(), shown)
    text, owner = torch.tensor([0, 1, 1]), torch.tensor([0, 0, 2])
    # Of image 0 both texts have "c": shown once.
    assert known.of(text, owner, 4).tolist() == [[1, 1, 1], [0, 0, 0], [0, 1, 1], [0, 0, 0]]


def test_reports_have_none(kb: KnowledgeBase):
    with pytest.raises(ConfigError, match=r"loss\.attributes needs texts of findings"):
        Attributes.build(("", ""), kb, lengths)


def test_the_loss_is_that_of_texts_times_its_weight():
    images, texts = torch.eye(3)[:2], torch.eye(3)
    shown, scale = torch.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]]), torch.tensor(4.0)
    config = LossConfig(attributes=0.25, semantic_reward=0.7)
    found = attribute_loss(images, texts, scale, shown, config)
    # The reward is of retrieval among findings; it is not asked of attributes.
    plain = embedding_loss(images, texts, scale, shown, LossConfig())
    assert found.item() == pytest.approx(0.25 * plain.item())
    assert plain.item() > 0
