from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from medfilip_model.overrides import differences
from medfilip_model.recipes import (
    RECIPES,
    AblationRow,
    ablation,
    convirt,
    fusion,
    official,
    paper,
    phantom,
    phantom_augmented,
    real,
)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_bears_its_name(name: str):
    config = RECIPES[name]()
    assert config.recipe == name
    assert config.out == Path("runs") / name


def test_the_paper_recipe_has_the_papers_settings():
    config = paper()
    assert (config.model.size, config.model.embed, config.model.image.name) == (448, 768, "RN50")
    assert (config.optim.name, config.optim.lr, config.optim.schedule) == ("sgd", 0.006, "restarts")
    assert (config.epochs, config.loss.variant, config.data.augment) == (100, "paper", False)
    assert config.targets.encoder == "hf:emilyalsentzer/Bio_ClinicalBERT"
    assert config.data.template == "paper"


def test_the_official_recipe_differs_where_the_published_code_does():
    changed = {key: new for key, (_, new) in differences(paper(), official()).items()}
    assert changed == {
        "epochs": 20,
        "data.template": "official",
        "targets.encoder": "st:sentence-transformers/all-mpnet-base-v2",
        "targets.group": True,
        "loss.variant": "official",
        "optim.lr": 1e-4,
    }


def test_convirt_reads_whole_reports_against_identity_targets():
    config = convirt()
    assert (config.data.text, config.targets.kind, config.loss.name) == (
        "report",
        "identity",
        "infonce",
    )


def test_fusion_has_a_head_and_a_reward():
    config = fusion()
    assert config.model.fusion is not None
    assert config.loss.semantic_reward > 0
    assert paper().model.fusion is None


def test_each_row_of_the_ablation_differs_from_the_one_before_by_what_it_adds():
    rows = [ablation(row) for row in get_args(AblationRow)]
    added = [set(differences(a, b)) for a, b in pairwise(rows)]
    assert added == [
        {"data.text", "data.template"},
        {"data.template"},
        {"targets.kind"},
        {"data.template", "loss.attributes"},
    ]
    assert differences(rows[-1], phantom()) == {}


def test_an_ablation_row_can_start_from_any_config():
    assert set(differences(paper(), ablation("entity", paper()))) == {
        "data.template",
        "targets.kind",
    }


def test_real_images_begin_with_what_phantoms_taught():
    """The weights fit as long as the towers are those of the phantom recipe."""
    config = real()
    assert config.start == phantom_augmented().out
    assert config.model == phantom().model
    assert config.data.augment
