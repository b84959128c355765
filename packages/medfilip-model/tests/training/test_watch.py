import pytest
import torch
from medfilip_model.training.records import TrainingError
from medfilip_model.training.watch import WINDOW, LossWatch


def ids(step: int) -> list[str]:
    return [f"s{step}-{n}" for n in range(70 if step == 9 else 3)]


def test_the_sum_goes_on_from_before():
    watch = LossWatch(1, ids, total=5.0)
    for step in range(1, 4):
        watch.add(step, torch.tensor(float(step)))
    assert watch.total() == 11.0
    assert watch.total() == 11.0


def test_no_number_is_named_with_step_and_images_when_the_window_is_full():
    watch = LossWatch(2, ids)
    for step in range(1, WINDOW):
        watch.add(step, torch.tensor(float("nan") if step == 7 else 1.0))
    with pytest.raises(TrainingError, match=r"the loss is nan at epoch 2 step 7: .*'s7-0', 's7-1'"):
        watch.add(WINDOW, torch.tensor(1.0))


def test_a_long_batch_is_cut_and_counted():
    watch = LossWatch(1, ids)
    watch.add(9, torch.tensor(float("inf")))
    with pytest.raises(TrainingError, match=r"'s9-63' and 6 more$"):
        watch.total()
