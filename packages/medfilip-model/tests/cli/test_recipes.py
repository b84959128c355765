import json

import pytest
from medfilip_model import cli
from medfilip_model.recipes import RECIPES
from typer.testing import CliRunner


def shown(*arguments: str) -> str:
    result = CliRunner().invoke(cli.app, ["recipes", *arguments])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_all_recipes_are_listed_with_what_they_are():
    lines = shown().splitlines()
    assert [line.split()[0] for line in lines] == list(RECIPES)
    assert "The paper's settings" in lines[list(RECIPES).index("paper")]
    assert "Row 'ssm'" in lines[list(RECIPES).index("ablation-ssm")]


def test_one_recipe_shows_its_settings():
    lines = dict(line.split(maxsplit=1) for line in shown("paper").splitlines())
    assert lines["model.size"] == "448"
    assert lines["model.image.name"] == "RN50"
    assert lines["data.folder"] == "null"


def test_two_recipes_show_their_differences():
    assert "loss.variant     paper -> official" in shown("paper", "official").splitlines()
    assert "model.size" not in shown("paper", "official")


def test_json_is_json():
    assert json.loads(shown("phantom", "--json"))["epochs"] == RECIPES["phantom"]().epochs
    assert json.loads(shown("paper", "official", "--json"))["epochs"] == [100, 20]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["papper"], "error: no recipe 'papper'; did you mean 'paper'"),
        (["paper", "official", "phantom"], "error: give two recipes at most, not 3"),
    ],
)
def test_what_is_wrong_is_one_line(names: list[str], message: str):
    result = CliRunner().invoke(cli.app, ["recipes", *names])
    assert result.exit_code == 2
    assert result.stderr.startswith(message)
