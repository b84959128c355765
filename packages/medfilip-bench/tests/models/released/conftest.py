"""Small random checkpoints by the names of the releases."""

import pytest
import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, ResNet


def resnet_state(prefix, *, seed=0, head=None):
    """Weights of a small ResNet by torchvision's names, and the network."""
    torch.manual_seed(seed)
    network = ResNet(BasicBlock, [1, 1, 1, 1])
    network.fc = head or nn.Identity()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.1, 0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    network.eval()
    return {f"{prefix}{k}": v for k, v in network.state_dict().items()}, network


def bert_state(prefix, config, *, pooler, seed=0):
    """Weights of a small BERT by transformers' names, and the network."""
    from transformers import BertModel

    torch.manual_seed(seed)
    network = BertModel(config, add_pooling_layer=pooler).eval()
    # Its own random start makes all texts nearly the same.
    with torch.no_grad():
        for value in network.parameters():
            value.normal_(std=0.5)
    return {f"{prefix}{k}": v for k, v in network.state_dict().items()}, network


@pytest.fixture
def resnet():
    """The maker of ResNets' weights."""
    return resnet_state


@pytest.fixture
def bert():
    """The maker of BERTs' weights."""
    return bert_state


@pytest.fixture
def bert_config():
    """Sizes of the very small BERT of the text folder."""
    from transformers import BertConfig

    return BertConfig(
        vocab_size=16,
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=4,
        intermediate_size=24,
        max_position_embeddings=96,
    )


# [CLS] a lung ##s [SEP] and [CLS] no mass [SEP]: of different length, so that one is filled up.
TEXTS = ("a lungs", "no mass")
IDS = (torch.tensor([[2, 5, 6, 7, 3]]), torch.tensor([[2, 8, 10, 3]]))


@pytest.fixture
def spoken():
    """Two texts, and the tokens of each alone."""
    return TEXTS, IDS
