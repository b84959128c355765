import json
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from medfilip_model import training
from medfilip_model.checkpoint import LAST, load_checkpoint, load_model
from medfilip_model.config import TrainConfig, parse_config
from medfilip_model.errors import ConfigError
from medfilip_model.loss import batch_loss
from medfilip_model.training import TrainingError, resolve_precision, train

# Losses of the first 20 steps of `tiny_config` with seed 0 on the drawn images, one thread.
GOLDEN = [
    3.8357,
    3.3673,
    2.2985,
    2.1573,
    1.9224,
    1.8239,
    1.8037,
    1.8108,
    1.8015,
    1.8015,
    1.8311,
    1.8413,
    1.8372,
    1.7983,
    1.8051,
    1.8341,
    1.7978,
    1.7978,
    1.8029,
    1.8284,
]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(next((run / LAST).glob("*.safetensors")))


def equal(a: Path, b: Path) -> bool:
    one, two = weights(a), weights(b)
    return all(torch.equal(one[name], two[name]) for name in one)


def test_the_first_twenty_losses_are_as_ever(tiny_config: TrainConfig, monkeypatch):
    """Within 1 %: another CPU rounds differently, and 20 steps let it grow to no more."""
    losses: list[float] = []

    def recording(*arguments):
        loss = batch_loss(*arguments)
        losses.append(loss.item())
        return loss

    monkeypatch.setattr(training, "batch_loss", recording)
    # Triplets, not explanations: the dictionary may word those anew.
    train(tiny_config.replace(epochs=5, data__template="triplet", data__normal="no finding"))
    assert losses == pytest.approx(GOLDEN, rel=0.01)


def test_same_seed_same_weights_another_seed_others(tiny_config: TrainConfig, tmp_path: Path):
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


def test_an_interrupted_second_run_leaves_the_first_whole(
    tiny_config: TrainConfig, tmp_path: Path, monkeypatch
):
    train(tiny_config.replace(epochs=1))
    train(tiny_config.replace(epochs=1, out=tmp_path / "copy"))

    def dies(*_: object) -> float:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(training, "train_step", dies)
        with pytest.raises(KeyboardInterrupt):
            train(tiny_config.replace(seed=9))
    assert equal(tiny_config.out, tmp_path / "copy")
    assert json.loads((tiny_config.out / "config.json").read_text())["config"]["seed"] == 0
    result = train(tiny_config.replace(seed=9))
    assert len(result.epochs) == len((tiny_config.out / "metrics.jsonl").read_text().splitlines())
    assert not equal(tiny_config.out, tmp_path / "copy")


def test_a_loss_that_is_no_number_stops_the_run(tiny_config: TrainConfig, monkeypatch):
    train(tiny_config.replace(epochs=1))
    before = weights(tiny_config.out)
    calls = 0

    def breaks(*arguments):
        nonlocal calls
        calls += 1
        return batch_loss(*arguments) * (float("nan") if calls == 3 else 1)

    monkeypatch.setattr(training, "batch_loss", breaks)
    with pytest.raises(TrainingError, match=r"the loss is nan at epoch 1 step 3"):
        train(tiny_config)
    after = weights(tiny_config.out)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_precision_may_differ_between_runs_of_one_process(tiny_config: TrainConfig):
    train(tiny_config.replace(epochs=1))
    result = train(tiny_config.replace(epochs=1, precision="bf16"))
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
    import shutil

    shutil.copytree(folder, tmp_path / "set")
    (tmp_path / "set" / "images" / "im-000.png").write_bytes(b"broken")
    result = train(tiny_config.replace(epochs=1, data__folder=tmp_path / "set"))
    assert [s.file for s in result.skipped] == ["im-000.png"]


def test_epochs_are_records(tiny_config: TrainConfig):
    epoch = train(tiny_config.replace(epochs=1)).epochs[0]
    assert replace(epoch, loss=0.0).epoch == 1
    assert epoch.images_per_second > 0
