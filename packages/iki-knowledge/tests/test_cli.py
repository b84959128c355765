import json
from importlib.metadata import entry_points

import pytest
from iki_knowledge.cli import app
from typer.testing import CliRunner


def run(*args: str):
    return CliRunner().invoke(app, args)


def test_show_explains_a_category_by_any_of_its_names():
    result = run("show", "Pleural-Fluids")
    assert result.exit_code == 0
    assert result.stdout.startswith("pleural effusion  [pleural_effusion, pleura]\n\nFluid between")
    for part in ("meniscus with a curved upper edge", "aliases", "hydrothorax", "\ntrace: A trace"):
        assert part in result.stdout


def test_show_takes_a_severity_in_any_wording(kb):
    result = run("show", "pneumonia", "--severity", "marked")
    assert kb.explain("pneumonia", severity="severe") in result.stdout.split("attributes")[0]


def test_show_as_json(kb):
    data = json.loads(run("show", "pneumonia", "--severity", "mild", "--json").stdout)
    assert data["id"] == "pneumonia"
    assert data["explanation"] == kb.explain("pneumonia")
    assert data["asked"] == kb.explain("pneumonia", severity="mild")


def test_resolve_reads_a_phrase():
    result = run("resolve", "slightly increased hazy opacity at the left base", "--json")
    assert json.loads(result.stdout) == {
        "category": "lung_opacity",
        "severity": "mild",
        "side": "left",
        "region": "base",
        "trend": "worsened",
    }
    plain = run("resolve", "bibasilar atelectasis").stdout
    assert plain.splitlines() == [
        "category  atelectasis",
        "severity  -",
        "side      bilateral",
        "region    base",
        "trend     -",
        "text      bilateral basilar atelectasis",
    ]


def test_resolve_of_nothing_known_fails_with_one():
    result = run("resolve", "a fine afternoon")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == "no category of the dictionary in 'a fine afternoon'\n"


def test_list(kb):
    lines = run("list").stdout.splitlines()
    assert len(lines) == len(kb)
    assert sorted(line.split()[0] for line in lines) == sorted(kb)
    assert json.loads(run("list", "--dataset", "chestxray14", "--json").stdout) == kb.classes(
        "chestxray14"
    )


def test_an_overlay_is_used_by_every_command(overlay):
    text = "entries: {pneumonia: {explanation: Mine., add_aliases: [chest cold]}}"
    path = str(overlay(text))
    assert "Mine." in run("show", "chest cold", "--overlay", path).stdout
    assert "pneumonia" in run("resolve", "chest cold", "--overlay", path).stdout
    assert run("list", "--overlay", path).exit_code == 0


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("show", "penumonia"), "error: unknown category 'penumonia'; did you mean 'pneumonia'"),
        (("show", "mass", "--severity", "blue"), "error: unknown severity 'blue'"),
        (("list", "--dataset", "chestxray"), "error: unknown data set 'chestxray'; did you mean"),
        (("list", "--overlay", "none.yaml"), "error: cannot read 'none.yaml'"),
    ],
)
def test_a_wrong_name_is_one_line_and_exit_two(args, message):
    result = run(*args)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(message)
    assert result.stderr.count("\n") == 1


def test_wrong_usage_is_exit_two():
    assert run("bogus").exit_code == 2
    assert run("show").exit_code == 2
    assert run("list", "--colour").exit_code == 2


def test_version(kb):
    assert run("--version").stdout == f"iki-knowledge 0.1.0, knowledge {kb.version}\n"


def test_it_is_installed_as_a_command():
    (entry,) = entry_points(group="console_scripts", name="iki")
    assert entry.load() is app
