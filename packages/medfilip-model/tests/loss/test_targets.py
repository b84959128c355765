from dataclasses import replace

import pytest
import torch
from medfilip_model.config import LossConfig, TargetConfig
from medfilip_model.data.collate import Batch
from medfilip_model.errors import ConfigError
from medfilip_model.loss import Targets, identity_targets
from ssm import Calibration, LabelBank

TEXTS = ("left effusion", "right effusion", "mass")
BATCH = Batch(
    # Image 0 has texts 0 and 2, image 1 has text 1, image 2 has none.
    torch.zeros(3, 1, 2, 2, dtype=torch.uint8),
    torch.tensor([0, 2, 1]),
    torch.tensor([0, 0, 1]),
)


def targets(
    config: TargetConfig | None = None,
    *,
    group: list[int] | None = None,
    calibration: Calibration | None = None,
) -> Targets:
    """Texts 0 and 1 have cosine 0.6; text 2 is at right angles to both."""
    vectors = torch.tensor([[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]])
    return Targets(
        bank=LabelBank(TEXTS, vectors, "hand", "hand"),
        tokens=torch.tensor([[1], [2], [3]]),
        group=None if group is None else torch.tensor(group),
        config=config or TargetConfig(),
        loss=LossConfig(),
        calibration=calibration or Calibration(),
    )


def identity() -> Targets:
    goal, tokens = TargetConfig(kind="identity"), torch.tensor([[1], [2], [3]])
    return Targets(None, tokens, None, goal, LossConfig(), Calibration())


def test_soft_targets_by_hand():
    expected = torch.tensor([[1.0, 1.0, 0.6], [0.6, 0.0, 1.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(targets().of(BATCH), expected)


def test_calibrated_targets_by_hand():
    # 0.6 lies half way between 0.2 and 1; what lay below 0.2 is clamped to 0.
    expected = torch.tensor([[1.0, 1.0, 0.5], [0.5, 0.0, 1.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(targets(calibration=Calibration(low=0.2)).of(BATCH), expected)


def test_the_mask_keeps_similarities_within_a_category():
    expected = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(targets(group=[0, 1, 2]).of(BATCH), expected)


def test_the_pool_is_the_one_of_the_config():
    expected = torch.tensor([[0.5, 0.5, 0.3], [0.6, 0.0, 1.0], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(targets(TargetConfig(pool="mean")).of(BATCH), expected)


def test_identity_by_hand_with_an_equal_text_of_another_image():
    # Images 0 and 2 share text 7; image 3 has no text; image 1 has two of its own.
    found = identity_targets(torch.tensor([7, 4, 5, 7]), torch.tensor([0, 1, 1, 2]), n_owners=4)
    expected = [[1, 0, 0, 1], [0, 1, 1, 0], [1, 0, 0, 1], [0, 0, 0, 0]]
    assert found.tolist() == expected


def test_identity_of_a_text_twice_in_an_image_is_1():
    assert identity_targets(torch.tensor([3, 3]), torch.tensor([0, 0]), 1).tolist() == [[1, 1]]


def test_identity_needs_no_bank():
    expected = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    assert torch.equal(identity().of(BATCH), expected)


def test_identity_is_what_soft_targets_are_for_texts_at_right_angles():
    bank = LabelBank(TEXTS, torch.eye(3), "hand", "hand")
    soft = Targets(bank, torch.ones(3, 1).long(), None, TargetConfig(), LossConfig(), Calibration())
    torch.testing.assert_close(soft.of(BATCH), identity().of(BATCH))


def test_soft_targets_without_a_bank_are_refused():
    with pytest.raises(ConfigError, match="'ssm' need a bank of text embeddings"):
        Targets(None, torch.ones(3, 1).long(), None, TargetConfig(), LossConfig(), Calibration())


@pytest.mark.parametrize("made", [targets, identity])
def test_a_batch_without_texts_has_targets(made):
    none = torch.zeros(0, dtype=torch.long)
    assert made().of(BATCH._replace(text=none, owner=none)).shape == (3, 0)


def test_all_tensors_move():
    # The meta device holds shapes alone: what stays behind shows.
    everything = targets(group=[0, 1, 2])
    moved = replace(everything, entities=torch.ones(2, 3).long(), balance=torch.ones(2)).to("meta")
    assert moved.bank is not None
    tensors = (moved.bank.embeddings, moved.tokens, moved.group, moved.entities, moved.balance)
    assert {x.device.type for x in tensors if x is not None} == {"meta"}
    assert all(x is not None for x in tensors)
