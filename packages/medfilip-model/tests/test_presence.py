import numpy as np
import pytest
import torch
from iki_knowledge import KnowledgeBase
from medfilip_model.errors import ConfigError
from medfilip_model.model import MedFILIP
from medfilip_model.presence import ask, entity_queries


def test_answers_are_those_of_the_head(fusion_model: MedFILIP, kb: KnowledgeBase):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 32, 32), dtype=np.uint8)
    queries = entity_queries(fusion_model, ["mass", "covid19"], kb)
    fusion_model.train()
    said = ask(fusion_model, pixels, queries, need_attention=True, batch=2)
    assert fusion_model.training
    fusion_model.eval()
    assert fusion_model.fusion is not None
    with torch.inference_mode():
        grid = fusion_model.encode_map(torch.from_numpy(pixels)[:, None])
        expected = fusion_model.fusion(grid, queries, need_attention=True)
    torch.testing.assert_close(said.presence, expected.presence, atol=1e-5, rtol=1e-4)
    assert said.attention is not None
    torch.testing.assert_close(said.attention, expected.attention, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(said.attention.sum(dim=(2, 3)), torch.ones(5, 2))
    assert ask(fusion_model, pixels, queries).attention is None


def test_no_images(fusion_model: MedFILIP, kb: KnowledgeBase):
    queries = entity_queries(fusion_model, ["mass"], kb)
    assert ask(fusion_model, np.zeros((0, 32, 32), np.uint8), queries).presence.shape == (0, 1)


def test_a_dual_encoder_has_none_to_ask(tiny_model: MedFILIP, kb: KnowledgeBase):
    queries = entity_queries(tiny_model, ["mass"], kb)
    with pytest.raises(ConfigError, match="no fusion head"):
        ask(tiny_model, np.zeros((1, 32, 32), np.uint8), queries)
