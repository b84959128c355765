import torch
from medfilip_model.config import TextTowerConfig
from medfilip_model.towers import settled, text_tower, tokenizer
from medfilip_model.towers.text_norm import NormedText

TINY = TextTowerConfig(width=16, heads=2, layers=1, context=16, norm=True)
TEXTS = ["left pleural effusion", "right pleural effusion", "a nodule", "a mass"]


def test_texts_start_apart_and_as_alike_as_they_are_without_it():
    torch.manual_seed(0)
    tower = text_tower(TINY, 8).train()
    assert isinstance(tower, NormedText)
    tokens = tokenizer(TINY)(TEXTS)
    found = tower(tokens)
    torch.testing.assert_close(found.mean(dim=0), torch.zeros(8), atol=1e-5, rtol=0)
    plain = tower.tower(tokens)
    expected = (plain - plain.mean(dim=0)) / (plain.var(dim=0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(found, expected)


def test_a_single_text_in_training_reads_the_running_statistics():
    tower = text_tower(TINY, 8).train()
    tokens = tokenizer(TINY)(TEXTS)
    for _ in range(3):
        tower(tokens)
    one = tower(tokens[:1])
    torch.testing.assert_close(one, tower.eval()(tokens[:1]))


def test_settled_neither_reads_nor_moves_the_statistics_of_a_batch():
    tower = text_tower(TINY, 8).train()
    tokens = tokenizer(TINY)(TEXTS)
    tower(tokens)
    before = tower.norm.running_mean.clone()
    with settled(tower):
        inside = tower(tokens)
    assert tower.norm.training
    assert torch.equal(tower.norm.running_mean, before)
    assert torch.equal(inside, tower.eval()(tokens))
    with settled(tower):
        pass
    assert not tower.norm.training  # as it was
