import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ssm import EncoderError
from ssm.encoders.batches import in_batches


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 9), max_size=30),
    st.integers(1, 12),
    st.integers(1, 3),
)
def test_each_text_once_longest_first_and_back_in_order(lengths, batch_size, at_once):
    seen = []

    def forward(rows):
        assert 1 <= len(rows) <= batch_size * at_once
        seen.extend(rows)
        angles = torch.tensor(rows, dtype=torch.float64) / 40
        return 3 * torch.stack([angles.cos(), angles.sin()], dim=1)

    found = in_batches("x", lengths, 2, forward, batch_size=batch_size, at_once=at_once)
    assert sorted(seen) == list(range(len(lengths)))
    assert [lengths[row] for row in seen] == sorted(lengths, reverse=True)
    assert found.dtype == torch.float32
    angles = torch.arange(len(lengths)) / 40
    torch.testing.assert_close(found, torch.stack([angles.cos(), angles.sin()], dim=1))


def test_the_result_is_fit_for_a_loss():
    def forward(rows):
        with torch.inference_mode():
            return torch.ones(len(rows), 2)

    found = in_batches("x", [1, 1], 2, forward, batch_size=1)
    assert not found.is_inference()


def test_memory_that_runs_out_names_the_batch_size():
    def forward(rows):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    message = "does not hold batch_size=64 texts of this length: try batch_size=16"
    with pytest.raises(EncoderError, match=message):
        in_batches("x", [1] * 100, 2, forward, batch_size=64)
    with pytest.raises(EncoderError, match=r"try batch_size=1$"):
        in_batches("x", [1], 2, forward, batch_size=2)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_size_below_one(batch_size):
    with pytest.raises(EncoderError, match=f"batch_size must be 1 or more, got {batch_size}"):
        in_batches("x", [1], 2, lambda rows: torch.ones(1, 2), batch_size=batch_size)
