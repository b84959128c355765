"""The whole run: resumes where it was killed, repeats from disk, names what fails."""

from dataclasses import replace

import pytest
from medfilip_bench import BenchConfig, RunRecord, run, run_all
from medfilip_bench.errors import BenchError, UnknownNameError
from medfilip_bench.runner import TASKS
from medfilip_bench.tasks import retrieval

pytestmark = pytest.mark.usefixtures("no_figures")
PHANTOM_TASKS = [name for name, task in TASKS.items() if task.phantom]


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
    return BenchConfig(model="random", out=tmp_path / "results", n=20, replicates=20)


def figures(records):
    """Everything but when and how long."""
    return [record.model_dump(exclude={"provenance"}) for record in records]


def replaced(monkeypatch, task, run):
    monkeypatch.setattr(
        "medfilip_bench.runner.TASKS", {**TASKS, task: replace(TASKS[task], run=run)}
    )


def test_killed_and_run_again_goes_on_and_gives_the_same_figures(config, monkeypatch, tmp_path):
    whole = run_all(config.model_copy(update={"out": tmp_path / "whole"}))

    def kill(bench):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        replaced(patch, "unseen", kill)
        with pytest.raises(KeyboardInterrupt):
            run_all(config)
    done = sorted((config.out / "random").glob("*.json"))
    assert [p.stem for p in done] == ["extraction", "zero_shot_multi", "zero_shot_single"]
    before = {path: path.stat().st_mtime_ns for path in done}
    notes = Notes()
    finished = run_all(config, listener=notes)
    assert {path: path.stat().st_mtime_ns for path in done} == before
    assert sum("unchanged" in said for said in notes.said) == 3
    assert figures(finished.records) == figures(whole.records)
    assert [record.task for record in finished.records] == PHANTOM_TASKS


def test_a_repeated_run_encodes_nothing_and_another_seed_measures_anew(config):
    first = run_all(config)
    again = run_all(config)
    assert again.encoded == 0
    assert again.records == first.records
    other = run("extraction", config.model_copy(update={"seed": 1}))
    assert other.key != first.records[0].key


def test_a_task_that_fails_is_named_and_the_others_go_on(config, monkeypatch):
    def fail(bench):
        raise ValueError("two\nlines")

    replaced(monkeypatch, "unseen", fail)
    finished = run_all(config)
    assert [(f.task, f.reason) for f in finished.failures] == [("unseen", "ValueError: two lines")]
    assert [r.task for r in finished.records] == [n for n in PHANTOM_TASKS if n != "unseen"]
    assert "unseen: ValueError: two lines" in finished.report.html.read_text(encoding="utf-8")


def test_a_damaged_record_is_measured_again(config):
    run("extraction", config)
    path = config.out / "random" / "extraction.json"
    path.write_text("{", encoding="utf-8")
    notes = Notes()
    assert run("extraction", config, listener=notes) == RunRecord.read(path)
    assert any("measuring again" in said for said in notes.said)


def test_unreadable_images_are_counted_and_named(config, folder):
    (folder / "images" / "012.png").write_bytes(b"no image")
    finished = run_all(config.model_copy(update={"data": folder}))
    assert [entry.file for entry in finished.skipped] == ["012.png"]
    (record,) = (r for r in finished.records if r.task == "folder")
    assert record.data.n == 19
    assert record.data.skipped == finished.skipped
    assert "012.png" in finished.report.markdown.read_text(encoding="utf-8")


def test_results_say_where_they_come_from(config):
    record = run("extraction", config.model_copy(update={"command": "medfilip-bench all"}))
    assert record.phantom
    assert record.provenance.command == "medfilip-bench all"
    assert record.provenance.versions["medfilip-bench"] == "0.1.0"
    assert "dictionary" in record.provenance.versions
    assert record.provenance.machine["cores"]
    assert record.provenance.replicates == 20


def test_unknown_tasks_and_missing_folders(config):
    with pytest.raises(UnknownNameError, match="did you mean 'retrieval'"):
        run("retreival", config)
    with pytest.raises(BenchError, match="needs a folder of images; name one with --data"):
        run("folder", config)
    assert retrieval.TASK.name in TASKS
