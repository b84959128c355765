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


def test_show_tells_look_alikes_codes_and_sources(kb):
    shown = run("show", "pneumothorax").stdout
    entry = kb["pneumothorax"]
    for other, text in entry.look_alikes.items():
        assert f"against {kb[other].name}: {text}" in shown
    assert "snomedct 36118008 (exact)" in shown
    assert entry.references[0] in shown


def test_resolve_says_what_else_it_may_mean(kb):
    form, meanings = next(iter(kb.ambiguous.items()))
    assert f"or        {', '.join(meanings[1:])}" in run("resolve", form).stdout
    assert "\nor " not in run("resolve", "pleural effusion").stdout


def test_nearest(kb):
    near = kb.nearest("pneumonia", 2)
    data = json.loads(run("nearest", "pneumonia", "--k", "2", "--json").stdout)
    assert [item["category"] for item in data] == [item.category for item in near]
    plain = run("nearest", "lung infection").stdout
    assert plain.startswith(f"{kb.nearest('infection')[0].category}: ")
    assert plain.count("attributes differ") == 5


def test_infer(kb):
    attributes = kb["pneumothorax"].attributes
    data = json.loads(run("infer", *attributes, "--json").stdout)
    assert data[0]["category"] == "pneumothorax"
    assert len(data) == 3
    plain = run("infer", *attributes[:-1]).stdout
    assert plain.splitlines()[0].split()[1] == "pneumothorax"
    assert f"missing  {attributes[-1]}" in plain


def test_diff_of_two_categories(kb):
    shown = run("diff", "cardiomegaly", "pericardial effusion").stdout
    assert kb["cardiomegaly"].explanation in shown
    assert kb["pericardial_effusion"].explanation in shown
    assert "\ntold apart by  " in shown
    data = json.loads(run("diff", "cardiomegaly", "pericardial_effusion", "--json").stdout)
    assert data["category"] == "pericardial_effusion"
    assert not set(data["shared"]) & set(data["only_here"])
    assert data["told_apart"]


def test_diff_of_two_exports(kb, overlay, tmp_path):
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    mine = str(overlay("entries: {pneumonia: {explanation: Mine.}}"))
    assert run("export", "--json", "--out", str(old)).exit_code == 0
    assert run("export", "--json", "--out", str(new), "--overlay", mine).exit_code == 0
    lines = run("diff", str(old), str(new)).stdout.splitlines()
    assert lines[0].startswith(f"{kb.version} -> {kb.version}+overlay.")
    assert lines[1:] == ["changed: pneumonia (explanation)"]
    assert json.loads(run("diff", str(old), str(new), "--json").stdout)["added"] == []
    old.write_text("[1]", "utf-8")
    wrong = run("diff", str(old), str(new))
    assert wrong.exit_code == 2
    assert "must be files from 'iki export --json'" in wrong.stderr


def test_validate(kb, overlay):
    good = str(overlay("entries: {pneumonia: {explanation: Mine.}}"))
    result = run("validate", good)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"ok: knowledge {kb.version}+overlay.")
    assert "\nchanged: pneumonia\n" in result.stdout
    bad = overlay("entries:\n  pneumonia:\n    explanaton: Mine.\n", "bad.yaml")
    result = run("validate", str(bad))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        f"error: {bad}:3: entries.pneumonia: unknown key 'explanaton'; "
        "did you mean 'explanation'?\n"
    )


@pytest.mark.parametrize(
    ("option", "start"), [("--json", "{\n"), ("--csv", "id,name,"), ("--html", "<!doctype html>")]
)
def test_export(option, start, tmp_path):
    result = run("export", option)
    assert result.exit_code == 0
    assert result.stdout.startswith(start)
    out = tmp_path / "out"
    assert run("export", option, "--out", str(out)).stdout == ""
    assert out.read_text("utf-8") == result.stdout


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("export",), "error: give one of --json, --csv, --html"),
        (("export", "--json", "--csv"), "error: give one of --json, --csv, --html"),
        (("export", "--json", "--out", "/no/such/folder/x"), "error: cannot write '/no/such/"),
        (("diff", "pneumonia", "penumonia"), "error: unknown category 'penumonia'; did you mean"),
        (("diff", "pneumonia", "Pneumonias"), "error: 'pneumonia' and 'Pneumonias' are both"),
        (("nearest", "penumonia"), "error: unknown category 'penumonia'"),
        (("infer", "shape:rond"), "error: unknown attribute 'shape:rond'; did you mean"),
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
