"""Backbones that this module has not made."""

import pytest
from medfilip_bench.errors import ModelError
from medfilip_bench.models.backbones import reinitialised
from medfilip_bench.models.base import Backbone
from torch import nn


def test_a_backbone_that_does_not_tell_how_it_is_made():
    with pytest.raises(ModelError, match="type 'Identity' cannot be made anew"):
        reinitialised(Backbone(nn.Identity(), (1,), (1,)), 0)
