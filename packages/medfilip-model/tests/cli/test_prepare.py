import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from medfilip_model.cli import app
from medfilip_model.data.shards import load_prepared
from PIL import Image
from typer.testing import CliRunner

runner = CliRunner()
SMALL = ("--size", "32", "--workers", "1")


def prepare(*words):
    return runner.invoke(app, ["prepare", *map(str, words), *SMALL])


def test_the_four_sets_of_the_paper(mimic_tree, tmp_path, kb):
    ran = prepare(
        "mimic-cxr", mimic_tree.root, "--findings", mimic_tree.findings, "--out", tmp_path,
        "--subset", "all", "--train-samples", 6, "--fg-classes", 5,
    )  # fmt: skip
    assert ran.exit_code == 0, ran.stderr
    assert "report ids of the findings file are like 's50414267'" in ran.stderr
    for name in ("train", "16", "multi", "fg"):
        folder = tmp_path / f"mimic-{name}"
        written = json.loads((folder / "dataset.json").read_text())
        assert load_prepared(folder, kb, size=32).samples
        line = f"mimic-{name}: {written['images']} images in {len(written['shards'])} shards"
        assert line in ran.stdout
        assert written["config"]["subset"] == name
        assert written["config"]["mimic"]["train_samples"] == 6
    assert "category" in ran.stdout
    assert "patients" in ran.stdout


def test_mimic_needs_one_source_of_findings(mimic_tree, tmp_path):
    for more in ((), ("--labels", "chexpert", "--findings", mimic_tree.findings)):
        ran = prepare("mimic-cxr", mimic_tree.root, "--out", tmp_path / "set", *more)
        assert ran.exit_code == 2
        assert "error: give either --findings FILE or --labels chexpert|negbio" in ran.stderr
    ran = prepare("mimic-cxr", tmp_path, "--out", tmp_path / "set", "--labels", "chexpert")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("error: ")
    assert "mimic-cxr-2.0.0-split.csv" in ran.stderr


def test_any_view_and_labels(mimic_tree, tmp_path, kb):
    ran = prepare(
        "mimic-cxr", mimic_tree.root, "--labels", "chexpert", "--subset", "full", "--view", "any",
        "--out", tmp_path, "--json",
    )  # fmt: skip
    assert ran.exit_code == 0, ran.stderr
    written = json.loads(ran.stdout)
    assert written["config"]["mimic"]["views"] == []
    assert written["unmatched"].keys() == {"studies without report"}
    samples = load_prepared(tmp_path, kb, size=32).samples
    assert {sample.view for sample in samples} == {"PA", "AP", "LATERAL"}


def test_what_was_skipped_is_told_by_the_exit_code(folder, tmp_path):
    own = shutil.copytree(folder, tmp_path / "own")
    (own / "images" / "im-000.png").write_bytes(b"broken")
    for _ in range(2):
        ran = prepare("folder", own, "--out", tmp_path / "set")
        assert ran.exit_code == 1
        assert "skipped im-000.png: not an image of a known format" in ran.stderr
        assert "95 images in 2 shards" in ran.stdout
    assert "2 kept from before" in ran.stdout


def test_a_table_whose_columns_have_other_names(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    rows = [{"picture": f"{n}.png", "text": "A mass."} for n in range(3)]
    for n in range(3):
        Image.fromarray(np.zeros((9, 9), np.uint8)).save(tmp_path / f"{n}.png")
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "t.parquet")
    words = ("hub", tmp_path / "t.parquet", "--out", tmp_path / "set", "--reports")
    ran = prepare(*words, "--column", "image=picture", "--column", "findings=text")
    assert ran.exit_code == 0, ran.stderr
    assert "t.parquet: 3 images" in ran.stdout
    ran = prepare(*words, "--column", "imaeg=picture")
    assert ran.exit_code == 2
    assert "error: --column 'imaeg=picture': write NAME=COLUMN" in ran.stderr


def test_phantoms(tmp_path):
    ran = prepare("phantom", "--n", 10, "--out", tmp_path, "--format", "png", "--reports")
    assert ran.exit_code == 0, ran.stderr
    assert "phantoms: 10 images in 3 shards, 0 skipped" in ran.stdout
    again = prepare("phantom", "--n", 10, "--out", tmp_path, "--format", "png", "--reports")
    assert "3 kept from before" in again.stdout


def test_a_set_is_verified_and_mended(folder, tmp_path):
    out = tmp_path / "set"
    prepare("folder", folder, "--out", out)
    ran = runner.invoke(app, ["prepare", "verify", str(out)])
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert "96 images in 2 shards, as it was written" in ran.stdout
    shard = out / "shards" / "train-00000.arrow"
    content = bytearray(shard.read_bytes())
    content[-200] ^= 255
    shard.write_bytes(content)
    ran = runner.invoke(app, ["prepare", "verify", str(out), "--json"])
    assert ran.exit_code == 1
    assert "train-00000.arrow' is damaged" in json.loads(ran.stdout)["faults"][0]
    ran = runner.invoke(app, ["prepare", "verify", str(out)])
    assert "train-00000.arrow' is damaged" in ran.stderr
    assert "2 kept from before" in prepare("folder", folder, "--out", out).stdout
    assert "1 kept from before" in prepare("folder", folder, "--out", out, "--verify").stdout
    assert runner.invoke(app, ["prepare", "verify", str(out)]).exit_code == 0
    assert runner.invoke(app, ["prepare", "verify", str(tmp_path)]).exit_code == 2


@pytest.mark.parametrize("command", ["mimic-cxr", "hub", "folder", "phantom", "verify"])
def test_every_source_has_help(command):
    ran = runner.invoke(app, ["prepare", command, "--help"])
    assert ran.exit_code == 0
    assert ("--json" if command == "verify" else "--out") in ran.stdout
