import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from medfilip_model.checkpoint import BEST, LAST, load_checkpoint, load_model
from medfilip_model.config import TrainConfig, parse_config
from medfilip_model.errors import ConfigError
from medfilip_model.training import TrainingError, loop, resolve_precision, run, train
from medfilip_model.zeroshot import ZeroShotScore

# Losses of the first 20 steps of `tiny_config` with seed 0 on the drawn images, one thread.
GOLDEN = [
    3.8076,
    3.2246,
    2.357,
    2.2151,
    1.928,
    1.8801,
    1.8215,
    1.9011,
    1.834,
    1.907,
    1.8256,
    1.7914,
    1.8015,
    1.8045,
    1.9459,
    1.8258,
    1.8022,
    1.8015,
    1.8016,
    1.7982,
]


def test_the_first_twenty_losses_are_as_ever(tiny_config: TrainConfig, monkeypatch):
    """Within 1 %: another CPU rounds differently, and 20 steps let it grow to no more."""
    losses: list[float] = []
    step = loop.train_step

    def recording(*arguments):
        loss, asked = step(*arguments)
        losses.append(loss.item())
        return loss, asked

    monkeypatch.setattr(loop, "train_step", recording)
    # Triplets, not explanations: the dictionary may word those anew.
    train(tiny_config.replace(epochs=5, data__template="triplet", data__normal="no finding"))
    assert losses == pytest.approx(GOLDEN, rel=0.01)


def test_same_seed_same_weights_another_seed_others(
    tiny_config: TrainConfig, tmp_path: Path, equal
):
    config = tiny_config.replace(epochs=1)
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        torch.rand(seed + 3)  # what ran before must not matter
        train(config.replace(out=tmp_path / name, seed=seed, data__augment=True))
    assert equal(tmp_path / "a", tmp_path / "b")
    assert not equal(tmp_path / "a", tmp_path / "c")


def test_what_can_be_seen_is_learned(tiny_config: TrainConfig):
    result = train(tiny_config.replace(epochs=20))
    assert result.epochs[-1].loss < result.epochs[0].loss
    assert result.macro_auc is not None
    assert result.macro_auc > 0.95
    assert set(result.epochs[-1].auc) == {"mass", "pleural_effusion"}


def test_a_run_folder_holds_what_the_design_says(tiny_config: TrainConfig):
    result = train(tiny_config)
    out = result.out
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[-1]["macro_auc"] == result.macro_auc
    record = json.loads((out / "config.json").read_text())
    assert parse_config(record["config"]) == tiny_config
    assert record["resolved"]["encoder"] == "lexical"
    assert record["resolved"]["precision"] == "fp32"
    assert record["resolved"]["train"] == 64
    assert len(list((out / "tensorboard").glob("events.out.tfevents.*"))) == 1
    checkpoint = load_checkpoint(out)
    assert checkpoint.config == record
    assert checkpoint.extra["epoch"] == 2
    assert not [p for p in out.rglob("*") if "partial" in p.name]


def test_the_checkpoint_gives_the_score_that_was_printed(tiny_config: TrainConfig, kb):
    from medfilip_model.prepare import prepare
    from medfilip_model.progress import Silent
    from medfilip_model.zeroshot import zero_shot

    result = train(tiny_config, kb=kb)
    data = prepare(tiny_config, kb, Silent())
    score = zero_shot(load_model(result.out), data.images, data.valid, data.prompts)
    assert score.macro == pytest.approx(result.macro_auc)


def test_a_loss_that_is_no_number_stops_the_run(
    tiny_config: TrainConfig, monkeypatch, tmp_path: Path, equal
):
    train(tiny_config.replace(epochs=1))
    shutil.copytree(tiny_config.out, tmp_path / "copy")
    step, calls = loop.train_step, 0

    def breaks(*arguments):
        nonlocal calls
        calls += 1
        loss, asked = step(*arguments)
        return loss * (float("nan") if calls == 3 else 1), asked

    monkeypatch.setattr(loop, "train_step", breaks)
    with pytest.raises(TrainingError, match=r"the loss is nan at epoch 1 step 3: ") as stopped:
        train(tiny_config, resume=False)
    named = re.findall(r"'(im-\d+)'", str(stopped.value))
    assert len(set(named)) == 16
    assert equal(tiny_config.out, tmp_path / "copy")


def test_weights_that_are_no_numbers_are_not_saved(tiny_config: TrainConfig, monkeypatch):
    step = loop.train_step

    def breaks(moving, *arguments):
        _, asked = step(moving, *arguments)
        with torch.no_grad():
            moving.model.image_projection.weight[0, 0] = float("nan")
        return torch.ones(()), asked

    monkeypatch.setattr(loop, "train_step", breaks)
    with pytest.raises(TrainingError, match=r"weights '.*' are no numbers after step 2 of epoch 1"):
        train(tiny_config.replace(save_steps=2))
    assert not (tiny_config.out / LAST / "manifest.json").exists()


def test_last_best_and_earlier_checkpoints_are_kept(tiny_config: TrainConfig, monkeypatch):
    scores = iter([0.6, 0.9, 0.7, 0.8])
    monkeypatch.setattr(loop, "score", lambda *_: ZeroShotScore({}, next(scores)))
    result = train(tiny_config.replace(epochs=4, keep=2))
    kept = {path.name for path in (result.out / LAST).parent.iterdir()}
    assert kept == {"last", "best", "epoch-0003", "epoch-0004"}
    assert load_checkpoint(result.out / BEST).extra["epoch"] == result.best.epoch == 2
    assert load_checkpoint(result.out / "checkpoints" / "epoch-0003").extra["epoch"] == 3
    extra = load_checkpoint(result.out).extra
    assert (extra["epoch"], extra["finished"]) == (4, True)


def test_patience_ends_the_run(tiny_config: TrainConfig, monkeypatch, listen):
    scores = iter([0.6, 0.7, 0.7, None, 0.9])
    monkeypatch.setattr(loop, "score", lambda *_: ZeroShotScore({}, next(scores)))
    notes = listen()
    config = tiny_config.replace(epochs=9, patience=2)
    assert len(train(config, listener=notes).epochs) == 4
    assert notes.lines[-1] == "stopped: 2 epochs without a better held-out AUC"
    assert len(train(config).epochs) == 4  # finished


def test_the_average_is_what_is_scored_and_saved(tiny_config: TrainConfig, weights, tmp_path: Path):
    one = train(tiny_config.replace(epochs=1, optim__ema=0.999))
    other = train(tiny_config.replace(epochs=1, out=tmp_path / "other"))
    a, b = weights(one.out), weights(other.out)
    assert any(not torch.equal(a[name], b[name]) for name in a)
    assert one.epochs[0].loss == other.epochs[0].loss


def test_parts_of_a_batch_are_named_where_they_matter(tiny_config: TrainConfig, listen):
    notes = listen()
    train(tiny_config.replace(epochs=1, micro_batch=8), listener=notes)
    said = [line for line in notes.lines if "batch normalisation" in line]
    assert len(said) == 1
    assert "sees 8 images at a time, not 16" in said[0]
    with pytest.raises(ConfigError, match="micro_batch = 1 leaves single images for batch norm"):
        train(tiny_config.replace(micro_batch=1), resume=False)


def test_a_missing_tracker_says_what_to_install(tiny_config: TrainConfig):
    config = tiny_config.replace(trackers=("mlflow",))
    with pytest.raises(
        ConfigError, match=r"'mlflow' needs the package mlflow: install it \(uv pip"
    ):
        train(config)


def test_a_tracker_that_does_not_start_is_one_line(tiny_config: TrainConfig, monkeypatch):
    """No server, no key, no database: each package has errors of its own."""

    def refuses(*_: object, **__: object) -> None:
        raise LookupError("no API key\nsee the manual")

    monkeypatch.setattr(run.Accelerator, "init_trackers", refuses)
    with pytest.raises(
        ConfigError, match=r"trackers tensorboard does not start: no API key; leave it out"
    ):
        train(tiny_config)
    assert not (tiny_config.out / LAST).exists()


def test_float16_needs_a_card(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="precision 'fp16' needs a CUDA device"):
        resolve_precision("fp16")


def test_precision_may_differ_between_runs_of_one_process(tiny_config: TrainConfig, weights):
    train(tiny_config.replace(epochs=1))
    result = train(tiny_config.replace(epochs=1, precision="bf16"), resume=False)
    assert json.loads((result.out / "config.json").read_text())["resolved"]["precision"] == "bf16"
    assert all(value.dtype != torch.bfloat16 for value in weights(result.out).values())


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [({"avx512_bf16": True}, "bf16"), ({"amx_bf16": True}, "bf16"), ({"avx2": True}, "fp32")],
)
def test_auto_takes_bfloat16_where_it_is_native(monkeypatch, cpu, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu)
    assert resolve_precision("auto") == expected
    assert resolve_precision("fp32") == "fp32"


def test_a_model_that_does_not_exist_costs_no_time(tiny_config: TrainConfig):
    with pytest.raises(ConfigError, match="timm has no model 'resnet5'"):
        train(tiny_config.replace(model__image__name="resnet5", data__folder=Path("absent")))


def test_a_skipped_image_is_told(tiny_config: TrainConfig, folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "set")
    (tmp_path / "set" / "images" / "im-000.png").write_bytes(b"broken")
    result = train(tiny_config.replace(epochs=1, data__folder=tmp_path / "set"))
    assert [s.file for s in result.skipped] == ["im-000.png"]


def test_epochs_are_records(tiny_config: TrainConfig):
    epoch = train(tiny_config.replace(epochs=1)).epochs[0]
    assert replace(epoch, loss=0.0).epoch == 1
    assert epoch.images_per_second > 0
