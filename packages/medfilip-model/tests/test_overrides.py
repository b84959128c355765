from pathlib import Path

import pytest
from medfilip_model.errors import ConfigError
from medfilip_model.overrides import build_config, differences
from medfilip_model.recipes import RECIPES, paper, phantom


@pytest.mark.parametrize("name", RECIPES)
def test_without_anything_else_a_recipe_is_itself(name: str):
    assert build_config(name) == RECIPES[name]()


def test_without_a_name_it_is_the_phantom_recipe():
    assert build_config() == phantom()


def test_a_setting_is_read_as_toml_and_reaches_any_level():
    config = build_config(
        "phantom",
        settings=[
            "epochs=7",
            "model.size=64",
            "data.augment=true",
            "model.image.channels=[8, 8, 8, 8]",
            "targets.encoder=hf:some/model",
            "targets.calibration=none",
            "model.fusion.layers=2",
        ],
    )
    assert (config.epochs, config.model.size, config.data.augment) == (7, 64, True)
    assert config.model.image.channels == (8, 8, 8, 8)
    assert config.targets.encoder == "hf:some/model"
    assert config.targets.calibration is None
    assert config.model.fusion is not None
    assert config.model.fusion.layers == 2


def test_a_file_lies_over_the_recipe_and_settings_over_the_file(tmp_path: Path):
    file = tmp_path / "run.toml"
    file.write_text('recipe = "paper"\nepochs = 3\n[model]\nsize = 128\n[optim]\nlr = 0.5\n')
    config = build_config(file=file, settings=["model.size=160"], changes={"seed": 9})
    assert config == paper().replace(epochs=3, model__size=160, optim__lr=0.5, seed=9)


def test_a_name_is_stronger_than_the_files(tmp_path: Path):
    file = tmp_path / "run.toml"
    file.write_text('recipe = "paper"\nepochs = 3\n')
    assert build_config("phantom", file=file) == phantom().replace(epochs=3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["epochs"], "'epochs' is not of the form key=value"),
        (["=3"], "'=3' is not of the form"),
        (["epochs.number=3"], "'epochs' has no settings below it"),
        (["model.sise=64"], "model.sise = 64: extra"),
        (["epochs=-1"], "epochs = -1"),
    ],
)
def test_a_wrong_setting_is_named(settings: list[str], message: str):
    with pytest.raises(ConfigError, match=message):
        build_config("phantom", settings=settings)


def test_a_wrong_recipe_suggests_a_near_one():
    with pytest.raises(ConfigError, match="no recipe 'papper'; did you mean 'paper'"):
        build_config("papper")


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"epochs = ", "no TOML"), (b"\xff", "no TOML"), (b"epoch = 3\n", "epoch = 3")],
)
def test_a_wrong_file_is_named(tmp_path: Path, content: bytes, message: str):
    file = tmp_path / "run.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=message):
        build_config(file=file)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"cannot read .*run\.toml"):
        build_config(file=tmp_path / "run.toml")


def test_differences_are_those_of_the_settings_alone():
    other = phantom().replace(recipe="mine", out="elsewhere", epochs=11, model__size=64)
    assert differences(phantom(), phantom().replace(recipe="mine", out="elsewhere")) == {}
    assert differences(phantom(), other) == {"epochs": (9, 11), "model.size": (96, 64)}
    assert differences(phantom(), phantom().replace(model__fusion={"layers": 2}))[
        "model.fusion.layers"
    ] == (None, 2)
