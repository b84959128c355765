import json
from pathlib import Path

import pytest
from medfilip_model.config import TrainConfig, parse_config
from medfilip_model.errors import ConfigError
from medfilip_model.recipes import RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_json_and_back_is_identity(name: str):
    config = RECIPES[name]()
    assert config.recipe == name
    assert parse_config(json.loads(config.model_dump_json())) == config


def test_replace_reaches_into_nested_configs():
    before = TrainConfig()
    after = before.replace(seed=3, data__folder=Path("x"), model__image__name="resnet18")
    assert (after.seed, after.data.folder, after.model.image.name) == (3, Path("x"), "resnet18")
    assert (
        after.replace(seed=0, data__folder=None, model__image__name=before.model.image.name)
        == before
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, r"epochs = 0: "),
        ({"batch": 1}, r"batch = 1"),
        ({"loss__variant": "papper"}, r"loss.variant = 'papper'"),
        ({"optim__lr": float("nan")}, r"optim.lr = nan"),
        ({"epoch": 3}, r"epoch = 3: extra"),
        ({"modle__size": 64}, r"modle = "),
        ({"model__size": 8}, r"model.size = 8"),
    ],
)
def test_a_bad_value_is_named(changes: dict[str, object], message: str):
    with pytest.raises(ConfigError, match=message):
        TrainConfig().replace(**changes)


def test_configs_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        TrainConfig().seed = 1  # pyright: ignore[reportAttributeAccessIssue]
