"""From nothing: reports → findings → training → every task, by the real code, very small."""

import csv
import json

import pytest
from medfilip_bench import BenchConfig, run_all
from medfilip_bench.models.registry import load
from medfilip_bench.pretrained import is_complete, training_reports
from medfilip_bench.profiles import PROFILES
from medfilip_model import TrainConfig
from medfilip_model.checkpoint import LAST
from medfilip_model.config import ImageTowerConfig, TextTowerConfig
from medfilip_model.export import export

TASKS = (
    "extraction-mimic_multi-phantom",
    "zero_shot-mimic_multi-phantom",
    "retrieval-mimic_multi-phantom",
)


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    return TrainConfig().replace(
        out=tmp_path_factory.mktemp("runs") / "tiny",
        epochs=1,
        batch=16,
        data__train=48,
        data__valid=16,
        data__workers=1,
        model__size=32,
        model__embed=16,
        model__image=ImageTowerConfig(channels=(8, 8, 8, 8)).model_dump(),
        model__text=TextTowerConfig(width=16, heads=2, layers=1).model_dump(),
        targets__encoder="lexical",
    )


@pytest.fixture(scope="module")
def finished(training, cache, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDFILIP_CACHE", str(cache))
        patch.setattr("medfilip_bench.report.page.figures", lambda record: ())
        few = PROFILES["quick"].model_copy(update={"probe_train": 10})
        patch.setattr("medfilip_bench.setup.PROFILES", {"quick": few})
        config = BenchConfig(
            training=training,
            out=tmp_path_factory.mktemp("out"),
            work=tmp_path_factory.mktemp("work"),
            n=20,
            replicates=20,
            references=(),
            tasks=TASKS,
        )
        yield config, run_all(config)


def test_everything_from_nothing(finished, training):
    config, done = finished
    assert done.failures == ()
    assert {record.task for record in done.records} == set(TASKS)
    assert {record.model.name for record in done.records} == {"tiny"}
    assert is_complete(training.out)
    assert (config.out / "tiny" / f"{TASKS[2]}.json").is_file()


def test_the_model_was_trained_on_what_gpt_ie_read(finished, training):
    config, done = finished
    lines = (config.out / "phantom.findings.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["report_id"] for line in lines] == [
        f"phantom-{n:06d}" for n in range(48)
    ]
    with (config.out / "phantom.reports.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["report_id"] for row in rows] == [r.report_id for r in training_reports(training)]
    words = done.records[0].model.trained_on
    assert words.endswith("phantoms with findings read from their reports, 1 epochs")


def test_no_test_phantom_was_trained_on(finished, training):
    trained = {report.report_id for report in training_reports(training)}
    assert all(int(name.removeprefix("phantom-")) < 1_000_000 for name in trained)


def test_a_second_run_trains_and_encodes_nothing(finished, monkeypatch):
    config, first = finished

    def never(*_args, **_options):
        raise AssertionError("trained again")

    monkeypatch.setattr("medfilip_bench.setup.train_on_reports", never)
    again = run_all(config)
    assert again.encoded == 0
    assert again.records == first.records


def test_a_run_that_was_killed_in_an_epoch_is_not_complete(finished, training, tmp_path):
    folder = tmp_path / "half"
    source = training.out / LAST
    (folder / LAST).mkdir(parents=True)
    for path in source.iterdir():
        (folder / LAST / path.name).write_bytes(path.read_bytes())
    assert is_complete(folder)
    manifest = folder / LAST / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["extra"]["finished"] = False
    manifest.write_text(json.dumps(content), encoding="utf-8")
    assert not is_complete(folder)
    assert not is_complete(tmp_path / "none")


def test_a_run_is_loaded_with_what_results_say_of_it(finished, training):
    loaded = load(f"run:{training.out}")
    assert loaded.name == "tiny"
    assert loaded.size == 32
    assert loaded.template == training.data.template
    assert loaded.normal == training.data.normal
    assert len(loaded.sha256) == 64


def test_a_run_and_its_hub_folder_are_the_same_model(finished, training, tmp_path):
    export(training.out, "hub-folder", tmp_path / "elsewhere")
    run, hub = load(f"run:{training.out}"), load(f"run:{tmp_path / 'elsewhere'}")
    assert (hub.sha256, hub.size, hub.template) == (run.sha256, run.size, run.template)
    assert (hub.trained_on, hub.saw_images) == (run.trained_on, run.saw_images)
    assert hub.name == "elsewhere"
