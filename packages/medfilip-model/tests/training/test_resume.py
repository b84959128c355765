import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from medfilip_model.checkpoint import LAST, save_checkpoint
from medfilip_model.config import TrainConfig
from medfilip_model.errors import CheckpointError, ConfigError
from medfilip_model.training import Preempted, train
from medfilip_model.training.resume import differences


class Power(BaseException):
    """The power fails."""


def fails() -> None:
    raise Power


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> dict[str, Path]:
    """Uninterrupted runs by settings, so that each is trained once."""
    return {}


def reference(config: TrainConfig, whole: dict[str, Path], tmp_path_factory) -> Path:
    key = config.replace(out=Path("-")).model_dump_json()
    if key not in whole:
        out = tmp_path_factory.mktemp("whole") / "run"
        whole[key] = train(config.replace(out=out)).out
    return whole[key]


CASES = {
    "adamw": {"data__augment_text": True},
    "ema": {"optim__ema": 0.9, "optim__schedule": "cosine"},
    "sgd": {"optim__name": "sgd", "optim__momentum": 0.9, "optim__schedule": "restarts"},
    "parts": {"micro_batch": 5, "optim__schedule": "constant", "model__image_norm": True},
}


@pytest.mark.parametrize(
    ("case", "at"), [("adamw", 2), ("adamw", 5), ("ema", 3), ("sgd", 7), ("parts", 6)]
)
def test_a_run_whose_power_failed_ends_with_the_same_bytes(
    small: TrainConfig, case: str, at: int, whole, tmp_path_factory, listen, equal
):
    config = small.replace(**CASES[case])
    expected = reference(config, whole, tmp_path_factory)
    # Every second step is saved: what was done after the last save is done again.
    with pytest.raises(Power):
        train(config.replace(save_steps=2), listener=listen({at: fails}))
    notes = listen()
    result = train(config, listener=notes)
    assert any("going on after step" in line for line in notes.lines) == (at > 2)
    assert equal(config.out, expected)
    rows = [json.loads(line) for line in (expected / "metrics.jsonl").read_text().splitlines()]
    assert [e.loss for e in result.epochs] == [row["loss"] for row in rows]


@pytest.mark.parametrize(
    ("number", "at"), [(signal.SIGTERM, 3), (signal.SIGINT, 4), (signal.SIGTERM, 8)]
)
def test_a_signal_saves_and_exits_with_nothing_wrong(
    small: TrainConfig, number: signal.Signals, at: int, whole, tmp_path_factory, listen, equal
):
    notes = listen({at: lambda: os.kill(os.getpid(), number)})
    expected = reference(small, whole, tmp_path_factory)
    if at == 8:  # the last step: there is nothing left to stop
        assert len(train(small, listener=notes).epochs) == 2
    else:
        with pytest.raises(Preempted) as stopped:
            train(small, listener=notes)
        assert stopped.value.code == 0
        # The signal is looked at before the next step begins.
        assert notes.lines[-1].startswith(f"stopped by {number.name} and saved after step ")
        train(small)
    assert equal(small.out, expected)


def test_kill_nine_at_five_moments(
    small: TrainConfig, whole, tmp_path_factory, tmp_path: Path, equal
):
    config = small.replace(save_steps=1)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config.model_dump(mode="json")))
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, str(script), str(path), "1", "2", "2", "3", "2"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert equal(small.out, reference(small, whole, tmp_path_factory))


def test_a_finished_run_is_not_trained_again(small: TrainConfig, listen):
    first = train(small)
    before = (small.out / LAST / "manifest.json").read_bytes()
    notes = listen()
    again = train(small.replace(data__folder=small.data.folder), listener=notes)
    assert again.epochs == first.epochs
    assert (again.encoder, again.skipped) == (first.encoder, first.skipped)
    assert "finished: nothing to train (--no-resume begins anew)" in notes.lines[0]
    assert notes.done == 0
    assert (small.out / LAST / "manifest.json").read_bytes() == before


def test_another_config_is_refused_by_the_settings_that_differ(
    small: TrainConfig, tmp_path: Path, listen, equal
):
    train(small.replace(epochs=1))
    shutil.copytree(small.out, tmp_path / "copy")
    other = small.replace(epochs=3, seed=5, optim__lr=0.5)
    with pytest.raises(
        ConfigError,
        match=r"holds a run of other settings \(seed: 0, now 5, epochs: 1, now 3, "
        r"optim.lr: 0.003, now 0.5\): give another folder \(--out\), or begin anew there "
        r"\(--no-resume\)",
    ):
        train(other)
    assert equal(small.out, tmp_path / "copy")
    with pytest.raises(Power):
        train(other, resume=False, listener=listen({2: fails}))
    assert equal(small.out, tmp_path / "copy")  # whole until the first new checkpoint
    train(other.replace(epochs=1), resume=False)
    assert not equal(small.out, tmp_path / "copy")


def test_where_it_is_written_and_how_often_makes_no_other_run():
    a = {"out": "a", "keep": 1, "data": {"workers": 2, "seed": 0}}
    b = {"out": "b", "keep": 3, "data": {"workers": 4, "seed": 1}, "new": None}
    assert differences(a, b) == ["data.seed: 0, now 1"]


def test_other_images_are_refused(small: TrainConfig, tmp_path: Path, listen):
    shutil.copytree(small.data.folder, tmp_path / "set")
    config = small.replace(data__folder=tmp_path / "set", save_steps=2)
    with pytest.raises(Power):
        train(config, listener=listen({3: fails}))
    (tmp_path / "set" / "images" / "im-000.png").write_bytes(b"broken")
    with pytest.raises(CheckpointError, match=r"inputs were others \(.*train: 64, now 63"):
        train(config)


def test_a_checkpoint_without_state_or_config_is_refused(small: TrainConfig, tiny_model):
    save_checkpoint(small.out / LAST, tiny_model, {}, {})
    with pytest.raises(ConfigError, match="a checkpoint without its config"):
        train(small)
    record = {"config": small.model_dump(mode="json")}
    save_checkpoint(small.out / LAST, tiny_model, record, {})
    with pytest.raises(ConfigError, match="a checkpoint without training state"):
        train(small)


def test_a_damaged_state_is_refused(small: TrainConfig, listen):
    with pytest.raises(Power):
        train(small.replace(save_steps=2), listener=listen({3: fails}))
    path = next((small.out / LAST).glob("state-*.safetensors"))
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(CheckpointError, match="is damaged"):
        train(small)
