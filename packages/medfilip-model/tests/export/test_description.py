import pytest
from medfilip_model.checkpoint import Checkpoint
from medfilip_model.config import ImageTowerConfig, ModelConfig, TextTowerConfig
from medfilip_model.export.description import describe, published, published_model


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/scratch/doe/mimic", "mimic"),
        ("~/mimic/", "mimic"),
        ("ordered:/w/clip.pt", "ordered:clip.pt"),
        (r"C:\data\set", "set"),
        ("runs/phantom", "runs/phantom"),
        ("owner/name", "owner/name"),
        ("a / b", "a / b"),
        (0.5, 0.5),
        (None, None),
    ],
)
def test_places_on_this_machine_are_left_out(value: object, shown: object):
    assert published({"a": [value]}) == {"a": [shown]}


def test_names_of_skipped_images_are_left_out():
    assert published({"skipped": 1, "skipped_files": ["doe.png"]}) == {"skipped": 1}


def test_a_model_of_local_files_names_no_folder():
    config = ModelConfig(
        image=ImageTowerConfig(weights="/w/a.safetensors"),
        text=TextTowerConfig(kind="hf", name="/models/bert", weights="pretrained"),
    )
    shown = published_model(config)
    assert (shown.image.weights, shown.text.name) == ("a.safetensors", "bert")


def test_a_program_is_described(checkpoint: Checkpoint):
    about = describe(checkpoint)
    assert about["image"]["shape"] == ["images", 1, 32, 32]
    assert about["text"]["longest"] == 48
    assert about["logit_scale"] == pytest.approx(10.0)
    assert about["extra"]["calibration"] == {"mass": [1.5, -0.25]}
