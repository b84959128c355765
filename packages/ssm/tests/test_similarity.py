import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ssm import cosine, normalise
from ssm.similarity import inner


def test_normalise_and_zero_vector():
    found = normalise(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([[0.6, 0.8], [0.0, 0.0]]))


def test_normalise_of_no_rows_and_no_columns():
    assert normalise(torch.zeros(0, 3)).shape == (0, 3)
    assert normalise(torch.zeros(2, 0)).shape == (2, 0)


@pytest.mark.parametrize("length", [1e-42, 1e-30, 1e-13, 1e30, 2e38])
def test_neither_long_nor_short_vectors_lose_their_direction(length):
    found = normalise(torch.tensor([[1.0, -1.0], [0.0, 0.0]]) * length)
    torch.testing.assert_close(found, torch.tensor([[1.0, -1.0], [0.0, 0.0]]) / 2**0.5)


def test_gradient_of_normalise():
    rows = torch.tensor([[1.0, -2.0, 0.5], [0.1, 0.1, 3.0]], dtype=torch.float64)
    assert torch.autograd.gradcheck(normalise, (rows.requires_grad_(),))


def test_cosine_by_hand():
    a = torch.tensor([[1.0, 0.0], [5.0, 5.0], [0.0, 0.0]])
    b = torch.tensor([[0.0, 2.0], [-3.0, 0.0]])
    half = 2**-0.5
    torch.testing.assert_close(cosine(a, b), torch.tensor([[0.0, -1.0], [half, -half], [0.0, 0.0]]))


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 30),
    st.integers(1, 50),
    st.sampled_from([1e-30, 1.0, 1e30]),
    st.integers(0, 2**32),
)
def test_cosine_is_symmetric_scale_free_and_within_one(rows, dim, scale, seed):
    generator = torch.Generator().manual_seed(seed)
    vectors = torch.randn(rows, dim, generator=generator)
    found = cosine(vectors, vectors)
    assert (found.abs() <= 1 + 1e-6).all()
    torch.testing.assert_close(found, found.T, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.diagonal(), torch.ones(rows), atol=1e-6, rtol=0)
    torch.testing.assert_close(cosine(vectors * scale, vectors), found, atol=2e-6, rtol=0)


def test_inner_keeps_its_precision_under_autocast():
    a = torch.randn(5, 40, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        assert (a @ a.T).dtype == torch.bfloat16
        found = inner(a, a)
    assert torch.equal(found, inner(a, a))
