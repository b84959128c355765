import re
from pathlib import Path

import pytest
import torch
from medfilip_model.checkpoint import load_model, save_checkpoint
from medfilip_model.config import FusionConfig, ImageTowerConfig, ModelConfig, TrainConfig
from medfilip_model.errors import CheckpointError, ConfigError
from medfilip_model.model import MedFILIP
from medfilip_model.training import train
from medfilip_model.training.start import start_from


def saved(config: ModelConfig, folder: Path, seed: int = 5) -> Path:
    torch.manual_seed(seed)
    save_checkpoint(folder, MedFILIP(config), {}, {})
    return folder


def same(a: MedFILIP, b: MedFILIP, part: str = "") -> bool:
    one, two = (
        {k: v for k, v in model.state_dict().items() if k.startswith(part)} for model in (a, b)
    )
    return all(torch.equal(value, two[name]) for name, value in one.items())


def test_all_weights_are_taken(tiny_model: MedFILIP, tmp_path: Path):
    run = saved(tiny_model.config, tmp_path / "run")
    assert not same(tiny_model, load_model(run))
    assert start_from(tiny_model, run) == ()
    assert same(tiny_model, load_model(run))


def test_another_size_and_another_origin_of_the_weights_are_no_obstacle(
    tiny_model_config: ModelConfig, tmp_path: Path
):
    run = saved(tiny_model_config.model_copy(update={"size": 64}), tmp_path / "run")
    image = tiny_model_config.image.model_copy(update={"weights": "gone.safetensors"})
    own = MedFILIP(tiny_model_config.model_copy(update={"image": image}), load=False)
    start_from(own, run)
    assert same(own, load_model(run))


def test_a_size_that_changes_shapes_is_named(tiny_model_config: ModelConfig, tmp_path: Path):
    vit = tiny_model_config.model_copy(update={"image": ImageTowerConfig(name="test_vit")})
    run = saved(vit.model_copy(update={"size": 64}), tmp_path / "run")
    with pytest.raises(ConfigError, match=r"pos_embed' does not fit model.size = 32"):
        start_from(MedFILIP(vit), run)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"embed": 16}, "its model.embed is 32, this run's is 16"),
        ({"image_norm": True}, "its model.image_norm is False, this run's is True"),
        ({"image": ImageTowerConfig(name="test_vit")}, "its model.image is"),
    ],
)
def test_other_towers_are_refused_by_name(
    change: dict[str, object], message: str, tiny_model_config: ModelConfig, tmp_path: Path
):
    run = saved(tiny_model_config, tmp_path / "run")
    other = MedFILIP(tiny_model_config.model_copy(update=change))
    before = {name: value.clone() for name, value in other.state_dict().items()}
    with pytest.raises(ConfigError, match=re.escape(message)):
        start_from(other, run)
    assert all(torch.equal(value, before[name]) for name, value in other.state_dict().items())


def test_a_fusion_head_of_other_places_keeps_all_of_its_own_weights(
    tiny_model_config: ModelConfig, tmp_path: Path
):
    def with_places(*places: str) -> ModelConfig:
        head = FusionConfig(width=16, heads=2, layers=1, places=places)
        return tiny_model_config.model_copy(update={"fusion": head})

    run = saved(with_places("left", "right"), tmp_path / "run")
    own, untouched = MedFILIP(with_places("left")), MedFILIP(with_places("left"))
    untouched.load_state_dict(own.state_dict())
    stayed = start_from(own, run)
    assert stayed
    assert all(name.startswith("fusion.") for name in stayed)
    assert same(own, untouched, "fusion.")
    assert same(own, load_model(run), "image_tower.")
    alike = MedFILIP(with_places("left", "right"))
    assert start_from(alike, run) == ()
    assert same(alike, load_model(run))


def test_training_begins_where_the_other_run_ended(tiny_config: TrainConfig, tmp_path: Path):
    first = train(tiny_config.replace(epochs=1, trackers=()))
    still = tiny_config.replace(
        out=tmp_path / "second", start=first.out, epochs=1, seed=9, trackers=(), optim__lr=1e-12
    )
    second = train(still)
    before, after = load_model(first.out), load_model(second.out)
    for name, value in before.named_parameters():
        assert torch.allclose(value, dict(after.named_parameters())[name], atol=1e-6), name


def test_a_run_that_is_not_there_is_an_error_before_anything_is_written(tiny_config: TrainConfig):
    missing = tiny_config.replace(start=tiny_config.out.parent / "none", trackers=())
    with pytest.raises(CheckpointError, match="does not exist"):
        train(missing)
    assert not (tiny_config.out / "checkpoints").exists()
