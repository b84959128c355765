"""The whole run: resumes where it was killed, repeats from disk, names what fails."""

from dataclasses import replace

import pytest
from medfilip_bench import BenchConfig, RunRecord, run, run_all
from medfilip_bench.errors import DataError, UnknownNameError
from medfilip_bench.predictions import Predictions
from medfilip_bench.tasks.catalogue import catalogue

pytestmark = pytest.mark.usefixtures("no_figures", "few_trained")
# What runs in seconds; trained tasks have tests of their own.
QUICK = ("extraction-*", "zero_shot-mimic_16-*", "zero_shot-rsna-*", "unseen-*", "retrieval-*")
NAMES = [
    "extraction-mimic_multi-phantom",
    "zero_shot-mimic_16-phantom",
    "zero_shot-rsna-phantom",
    "unseen-covid_radiography-phantom",
    "retrieval-mimic_multi-phantom",
]


class Notes:
    """A listener that keeps what it hears."""

    def __init__(self):
        self.said = []

    def note(self, text):
        self.said.append(text)

    def start(self, what, total, unit):
        pass

    def advance(self, steps):
        pass


@pytest.fixture
def config(tmp_path):
    return BenchConfig(
        model="random",
        out=tmp_path / "results",
        work=tmp_path / "runs",
        n=20,
        replicates=20,
        tasks=QUICK,
        references=(),
    )


def figures(records):
    """Everything but when and how long."""
    return [record.model_dump(exclude={"provenance"}) for record in records]


def replaced(monkeypatch, name, run):
    """Give a task another function."""

    def changed(own=()):
        tasks = dict(catalogue(own))
        return {**tasks, name: replace(tasks[name], run=run)}

    monkeypatch.setattr("medfilip_bench.runner.catalogue", changed)


def test_killed_and_run_again_goes_on_and_gives_the_same_figures(config, monkeypatch, tmp_path):
    whole = run_all(config.model_copy(update={"out": tmp_path / "whole"}))

    def kill(bench, data):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        replaced(patch, "unseen-covid_radiography", kill)
        with pytest.raises(KeyboardInterrupt):
            run_all(config)
    done = sorted((config.out / "random").glob("*.json"))
    assert [p.stem for p in done] == sorted(NAMES[:3])
    before = {path: path.stat().st_mtime_ns for path in done}
    notes = Notes()
    finished = run_all(config, listener=notes)
    assert {path: path.stat().st_mtime_ns for path in done} == before
    assert sum("unchanged" in said for said in notes.said) == 3
    assert figures(finished.records) == figures(whole.records)
    assert [record.task for record in finished.records] == NAMES


def test_a_repeated_run_encodes_nothing_and_another_seed_measures_anew(config):
    first = run_all(config)
    assert first.encoded <= first.needed
    assert first.needed > 0
    again = run_all(config)
    assert again.encoded == 0
    assert again.records == first.records
    other = run(NAMES[0], config.model_copy(update={"seed": 1}))
    assert other.key != first.records[0].key


def test_the_report_is_of_all_that_was_measured_before(config):
    for name in NAMES[:2]:
        done = run_all(config.model_copy(update={"tasks": (name,)}))
        assert [record.task for record in done.records] == [name]
    report = done.report.markdown.read_text(encoding="utf-8")
    assert all(name in report for name in NAMES[:2])


def test_predictions_stand_beside_the_record(config):
    record = run(NAMES[2], config)
    kept = Predictions.read(config.out / "random" / f"{NAMES[2]}.npz")
    assert len(kept.ids) == record.data.n == 20
    assert list(kept.classes) == [row.id for row in record.of_kind("class")]


def test_a_task_that_fails_is_named_and_the_others_go_on(config, monkeypatch):
    def fail(bench, data):
        raise ValueError("two\nlines")

    replaced(monkeypatch, "unseen-covid_radiography", fail)
    finished = run_all(config)
    failed = "unseen-covid_radiography-phantom"
    assert [(f.task, f.reason) for f in finished.failures] == [(failed, "ValueError: two lines")]
    assert [r.task for r in finished.records] == [n for n in NAMES if n != failed]
    assert f"{failed}: ValueError: two lines" in finished.report.html.read_text(encoding="utf-8")


def test_a_damaged_record_is_measured_again(config):
    run(NAMES[0], config)
    path = config.out / "random" / f"{NAMES[0]}.json"
    path.write_text("{", encoding="utf-8")
    notes = Notes()
    assert run(NAMES[0], config, listener=notes) == RunRecord.read(path)
    assert any("measuring again" in said for said in notes.said)


def test_unreadable_images_are_counted_and_named(config, folder):
    (folder / "images" / "012.png").write_bytes(b"no image")
    own = config.model_copy(update={"data": folder, "tasks": ("zero_shot-cxr",)})
    finished = run_all(own)
    assert [entry.file for entry in finished.skipped] == ["012.png"]
    (record,) = finished.records
    assert record.data.n == 19
    assert record.data.skipped == finished.skipped
    assert "012.png" in finished.report.markdown.read_text(encoding="utf-8")


def test_a_folder_is_scored_by_every_class_that_it_names(config, folder):
    manifest = folder / "manifest.csv"
    text = manifest.read_text(encoding="utf-8")
    # An image of the validation split: no judged image shows it.
    manifest.write_text(text.replace("000.png,No Finding", "000.png,Hernia"), encoding="utf-8")
    record = run("zero_shot-cxr", config.model_copy(update={"data": folder}))
    rows = {row.id: row for row in record.rows}
    assert (rows["mass"].name, rows["mass"].positives) == ("Mass", 8)
    assert rows["hernia"].metrics["auc"].value is None
    assert rows["hernia"].metrics["auc"].reason == "no positives"
    assert (record.data.n, record.data.patients, record.data.threshold_n) == (20, 10, 10)
    assert not record.phantom
    assert any("AUC and AP are macro figures over the 2 of 3 classes" in n for n in record.notes)
    assert any("It saw no real image." in note for note in record.notes)


def test_what_a_model_or_a_folder_cannot_be_asked_is_passed_over(config, folder):
    own = config.model_copy(update={"data": folder, "tasks": ("subgroups-cxr", "grounding-cxr")})
    finished = run_all(own)
    assert [task.task for task in finished.passed_over] == ["grounding-cxr", "subgroups-cxr"]
    assert not finished.failures


def test_all_but_valid_are_judged_where_nothing_is_fitted(config, make_folder, tmp_path):
    rows = [(f"{n:03}.png", "Mass" if n % 3 else "No Finding", str(n), s)
            for n, s in enumerate(["train"] * 12 + ["valid"] * 6 + ["test"] * 12)]  # fmt: skip
    folder = make_folder(tmp_path / "own", rows)
    own = config.model_copy(update={"data": folder, "split": "all"})
    assert run("zero_shot-own", own).data.n == 24
    assert run("zero_shot-own", own.model_copy(update={"split": "test"})).data.n == 12


def test_results_say_where_they_come_from(config):
    record = run(NAMES[0], config.model_copy(update={"command": "medfilip-bench all"}))
    assert record.phantom
    assert record.provenance.command == "medfilip-bench all"
    assert record.provenance.versions["medfilip-bench"] == "0.1.0"
    assert "dictionary" in record.provenance.versions
    assert record.provenance.machine["cores"]
    assert (record.provenance.replicates, record.provenance.profile) == (20, "quick")


def test_unknown_tasks_and_missing_folders(config, tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'retrieval-mimic_multi-phantom'"):
        run("retrieval-mimic_multi", config)
    with pytest.raises(UnknownNameError, match="unknown task 'segment-"):
        run_all(config.model_copy(update={"tasks": ("segment-*",)}))
    with pytest.raises(DataError, match="no folder"):
        run_all(config.model_copy(update={"data": tmp_path / "nowhere"}))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no known data set"):
        run_all(config.model_copy(update={"data": tmp_path / "empty"}))
