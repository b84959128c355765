from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from medfilip_model.checkpoint import (
    BEST,
    LAST,
    State,
    copy_checkpoint,
    files,
    load_checkpoint,
    load_model,
    load_state,
    remove_checkpoint,
    save,
    save_checkpoint,
)
from medfilip_model.config import ModelConfig
from medfilip_model.errors import CheckpointError
from medfilip_model.model import MedFILIP

SameWeights = Callable[[MedFILIP, MedFILIP], bool]


def test_saving_again_replaces_and_leaves_no_litter(
    same_weights: SameWeights, saved: Path, tiny_model_config: ModelConfig
):
    other = MedFILIP(tiny_model_config)
    save_checkpoint(saved / LAST, other, {"seed": 2}, {})
    assert same_weights(load_model(saved), other)
    assert len(list((saved / LAST).iterdir())) == 3


def test_killed_between_any_two_files_the_old_checkpoint_stays(
    same_weights: SameWeights,
    saved: Path,
    tiny_model: MedFILIP,
    tiny_model_config: ModelConfig,
    monkeypatch,
):
    """Die at the first, second and third write; after the third the new one is in force."""
    new = MedFILIP(tiny_model_config)
    for survived in range(3):
        left = survived

        def write(path: Path, content: bytes) -> None:
            nonlocal left
            if left == 0:
                # The temporary file is there, the rename did not happen.
                path.with_name(f".{path.name}-dead.partial").write_bytes(content[:10])
                raise KeyboardInterrupt
            left -= 1
            path.write_bytes(content)

        with monkeypatch.context() as patch:
            patch.setattr(save, "write_atomic", write)
            with pytest.raises(KeyboardInterrupt):
                save_checkpoint(saved / LAST, new, {"seed": 2}, {})
        assert same_weights(load_model(saved), tiny_model)
    save_checkpoint(saved / LAST, new, {"seed": 2}, {})
    assert same_weights(load_model(saved), new)
    assert len(list((saved / LAST).iterdir())) == 3


def test_state_is_kept_beside_the_weights_and_replaced_with_them(
    saved: Path, tiny_model: MedFILIP, state: State
):
    assert load_state(saved / LAST) is None
    save_checkpoint(saved / LAST, tiny_model, {}, {}, state=state)
    back = load_state(saved / LAST)
    assert back is not None
    assert torch.equal(back.tensors["a/0"], state.tensors["a/0"])
    assert back.values == state.values
    assert len(list((saved / LAST).iterdir())) == 5
    save_checkpoint(saved / LAST, tiny_model, {}, {})
    assert load_state(saved / LAST) is None
    assert len(list((saved / LAST).iterdir())) == 3


@pytest.mark.parametrize("survived", range(5))
def test_a_full_disk_leaves_the_old_checkpoint_and_no_litter(
    same_weights: SameWeights,
    saved: Path,
    tiny_model_config: ModelConfig,
    tiny_model: MedFILIP,
    state,
    monkeypatch,
    survived,
):
    before = {path.name for path in (saved / LAST).iterdir()}
    left = survived
    real = files.os.fsync

    def full(number: int) -> None:
        nonlocal left
        if left == 0:
            raise OSError(28, "No space left on device")
        left -= 1
        real(number)

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"no space left \(\d+ MiB are needed.*is untouched"):
        save_checkpoint(saved / LAST, MedFILIP(tiny_model_config), {"x": 1}, {}, state=state)
    assert {path.name for path in (saved / LAST).iterdir()} == before
    assert same_weights(load_model(saved), tiny_model)


def test_a_copy_has_no_state_and_outlives_its_source(
    same_weights: SameWeights,
    saved: Path,
    tiny_model: MedFILIP,
    tiny_model_config: ModelConfig,
    state: State,
    monkeypatch,
):
    save_checkpoint(saved / LAST, tiny_model, {"seed": 1}, {"epoch": 2}, state=state)
    copy_checkpoint(saved / LAST, saved / BEST)
    save_checkpoint(saved / LAST, MedFILIP(tiny_model_config), {"seed": 2}, {})
    assert same_weights(load_model(saved / BEST), tiny_model)
    assert load_checkpoint(saved / BEST).extra == {"epoch": 2}
    assert load_state(saved / BEST) is None
    # Where the disk has no links.
    monkeypatch.setattr(Path, "hardlink_to", lambda *_: (_ for _ in ()).throw(OSError(1, "no")))
    copy_checkpoint(saved / LAST, saved / BEST)
    assert same_weights(load_model(saved / BEST), load_model(saved))
    assert len(list((saved / BEST).iterdir())) == 3
    remove_checkpoint(saved / BEST)
    assert not (saved / BEST).exists()
