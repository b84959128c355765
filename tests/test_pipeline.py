"""The whole path through files and command lines: phantoms, reports, findings, training, bench."""

import contextlib
import csv
import json
import os
import subprocess
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from medfilip_bench import BenchConfig, run_all
from medfilip_bench.cli import app
from medfilip_bench.profiles import PROFILES
from medfilip_model import load_model, recipes, train
from typer.testing import CliRunner

SCRIPTS = Path(sysconfig.get_path("scripts"))
IMAGES = 60


def call(cwd: Path, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [SCRIPTS / words[0], *words[1:]], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A phantom folder as `medfilip phantom` writes it, and its reports as gpt-ie reads them."""
    root = tmp_path_factory.mktemp("pipeline")
    patch = pytest.MonkeyPatch()
    patch.setenv("MEDFILIP_CACHE", str(root / "cache"))
    call(root, "medfilip", "phantom", "--n", str(IMAGES), "--size", "64", "--out", "phantoms")
    call(root, "gpt-ie", "extract", "phantoms/reports.csv", "--out", "findings.jsonl")
    yield root
    patch.undo()


def read_lines(path: Path) -> dict[str, list[dict]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {record["report_id"]: record["findings"] for record in map(json.loads, lines)}


def test_extraction_finds_what_was_drawn(folder: Path):
    def key(finding: dict) -> tuple:
        return tuple(finding[slot] for slot in ("category", "severity", "side", "region"))

    drawn = read_lines(folder / "phantoms" / "truth.jsonl")
    read = read_lines(folder / "findings.jsonl")
    assert len(drawn) == IMAGES
    assert set(read) == set(drawn)
    wanted = Counter((name, key(one)) for name, found in drawn.items() for one in found)
    affirmed = Counter(
        (name, key(one))
        for name, found in read.items()
        for one in found
        if one["presence"] != "absent"
    )
    assert sum((wanted & affirmed).values()) >= 0.95 * wanted.total()
    assert sum((affirmed - wanted).values()) <= 0.05 * wanted.total()
    assert any(one["presence"] == "absent" for found in read.values() for one in found)


def test_evidence_is_verbatim_in_the_column(folder: Path):
    with (folder / "phantoms" / "reports.csv").open(encoding="utf-8", newline="") as stream:
        reports = {row["report_id"]: row for row in csv.DictReader(stream)}
    spans = [
        (reports[name][one["evidence"]["section"]], one["evidence"])
        for name, found in read_lines(folder / "findings.jsonl").items()
        for one in found
    ]
    assert len(spans) > IMAGES
    assert all(text[span["start"] : span["end"]] == span["text"] for text, span in spans)


def test_findings_train_a_model_that_the_benchmark_measures(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    # A probe of forty phantoms in place of a thousand, which would be most of the time.
    small = PROFILES["quick"].model_copy(update={"probe_train": 40})
    monkeypatch.setattr("medfilip_bench.setup.PROFILES", {"quick": small})
    config = recipes.phantom().replace(
        out=folder / "run",
        epochs=1,
        batch=8,
        data__folder=folder / "phantoms",
        data__findings=folder / "findings.jsonl",
        data__workers=1,
        model__size=32,
        model__image={"name": "test_resnet"},
        model__text__layers=1,
        targets__encoder="lexical",
    )
    result = train(config)
    assert result.encoder == "lexical"
    assert load_model(result.out).encode_text(["pneumonia"]).shape == (1, config.model.embed)

    bench = BenchConfig(
        model=f"run:{result.out}",
        data=folder / "phantoms",
        split="all",
        out=folder / "results",
        work=folder / "runs",
        n=40,
        replicates=20,
        references=(),
        tasks=("extraction-*", "zero_shot-*", "unseen-*", "retrieval-*", "probe-rsna-phantom"),
    )
    done = run_all(bench)
    assert not done.failures
    tasks = {record.task for record in done.records}
    assert {"zero_shot-phantoms", "zero_shot-rsna-phantom", "probe-rsna-phantom"} < tasks
    assert not any(record.phantom for record in done.records if record.data.id == "phantoms")
    html = done.report.html.read_text(encoding="utf-8")
    assert all(word not in html for word in ("http://", "https://", "NaN"))
    assert html.count("<svg") + html.count("data:image/png") >= len(tasks)


@pytest.mark.real
def test_real_reports_from_end_to_end(tmp_path: Path):
    call(tmp_path, "gpt-ie", "sample", "openi", "--out", "reports.csv")
    with (tmp_path / "reports.csv").open(encoding="utf-8", newline="") as stream:
        assert sum(1 for _ in csv.DictReader(stream)) == 3955
    done = call(tmp_path, "gpt-ie", "extract", "reports.csv", "--json", code=1)
    failed = (tmp_path / "reports.findings.failed.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(failed) == 28, "the reports without text"
    assert len(read_lines(tmp_path / "reports.findings.jsonl")) == 3955 - 28
    counts = json.loads(done.stdout)
    assert counts["reports"] == 3955


@pytest.mark.real
def test_real_images_are_scored_by_the_same_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = os.environ.get("MEDFILIP_DATA")
    folder = Path(data or "") / "nih_cxr14_64"
    if not data or not folder.is_dir():
        pytest.skip("MEDFILIP_DATA names no folder that holds nih_cxr14_64")
    monkeypatch.setenv("MEDFILIP_CACHE", str(tmp_path / "cache"))
    words = ("--model", "random", "--no-phantoms", "--task", "zero_shot-*", "--data", str(folder))
    with contextlib.chdir(tmp_path):  # in this process, which has imported torch
        done = CliRunner().invoke(app, ["all", *words])
    assert done.exit_code == 0, done.output
    (record,) = (tmp_path / "results").glob("*/zero_shot-nih_cxr14_64.json")
    measured = json.loads(record.read_text(encoding="utf-8"))
    assert "Effusion" in json.dumps(measured)
    assert measured["phantom"] is False
