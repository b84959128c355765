import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ssm import Calibration, SsmError, semantic_similarity_matrix

many = settings(max_examples=100, deadline=None)


@st.composite
def batches(draw, most=8):
    """Small integer embeddings (zeros and repeats are likely), owners, groups, spare images."""
    m, dim = draw(st.integers(0, most)), draw(st.integers(1, 4))
    row = st.lists(st.integers(-3, 3), min_size=dim, max_size=dim)
    rows = draw(st.lists(row, min_size=m, max_size=m))
    owner = draw(st.lists(st.integers(0, 4), min_size=m, max_size=m))
    group = draw(st.none() | st.lists(st.integers(0, 2), min_size=m, max_size=m))
    n = max(owner, default=-1) + 1 + draw(st.integers(0, 2))
    return (
        torch.tensor(rows, dtype=torch.float32).reshape(m, dim),
        torch.tensor(owner, dtype=torch.long),
        None if group is None else torch.tensor(group, dtype=torch.long),
        n,
    )


def reference(embeddings, owner, group, n, pool):
    """Eq. 4-5, one number at a time."""
    rows, owner = embeddings.double().tolist(), owner.tolist()
    result = [[0.0] * len(rows) for _ in range(n)]
    for i in range(n):
        for j, column in enumerate(rows):
            similarities = []
            for k, row in enumerate(rows):
                if owner[k] != i:
                    continue
                length = math.hypot(*row) * math.hypot(*column)
                dot = sum(a * b for a, b in zip(row, column, strict=True))
                cosine = dot / length if length else 0.0
                masked = group is not None and group[k] != group[j]
                similarities.append(0.0 if masked else cosine)
            if similarities:
                mean = sum(similarities) / len(similarities)
                value = max(similarities) if pool == "max" else mean
                result[i][j] = min(1.0, max(0.0, value))
    return torch.tensor(result, dtype=torch.float64).reshape(n, len(rows))


@settings(max_examples=300, deadline=None)
@given(batches(), st.sampled_from(["max", "mean"]), st.sampled_from([1, 5, 2**24]))
def test_equals_the_double_loop(batch, pool, block_elements):
    embeddings, owner, group, n = batch
    found = semantic_similarity_matrix(
        embeddings, owner, group=group, n_owners=n, pool=pool, block_elements=block_elements
    )
    expected = reference(embeddings, owner, group, n, pool)
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=0)


@many
@given(batches())
def test_bounded_and_max_is_at_least_mean(batch):
    embeddings, owner, group, n = batch
    best, mean = (
        semantic_similarity_matrix(embeddings, owner, group=group, n_owners=n, pool=pool)
        for pool in ("max", "mean")
    )
    assert (best >= 0).all()
    assert (best <= 1).all()
    assert (mean >= 0).all()
    assert (best >= mean - 1e-6).all()


@many
@given(batches(), st.randoms(use_true_random=False))
def test_permuting_texts_permutes_columns(batch, random):
    embeddings, owner, group, n = batch
    order = list(range(len(owner)))
    random.shuffle(order)
    plain = semantic_similarity_matrix(embeddings, owner, group=group, n_owners=n)
    shuffled = semantic_similarity_matrix(
        embeddings[order],
        owner[order],
        group=None if group is None else group[order],
        n_owners=n,
    )
    torch.testing.assert_close(shuffled, plain[:, order], atol=1e-6, rtol=0)


@many
@given(batches(), st.randoms(use_true_random=False))
def test_renaming_owners_permutes_rows(batch, random):
    embeddings, owner, group, n = batch
    names = list(range(n))
    random.shuffle(names)
    renamed = torch.tensor(names, dtype=torch.long)[owner]
    plain = semantic_similarity_matrix(embeddings, owner, group=group, n_owners=n)
    found = semantic_similarity_matrix(embeddings, renamed, group=group, n_owners=n)
    assert torch.equal(found[names], plain)


@many
@given(batches())
def test_mask_zeroes_other_groups_and_leaves_the_own(batch):
    embeddings, owner, _, n = batch
    group = owner % 2
    masked = semantic_similarity_matrix(embeddings, owner, group=group, n_owners=n)
    free = semantic_similarity_matrix(embeddings, owner, n_owners=n)
    same = (torch.arange(n) % 2)[:, None] == group[None]
    assert (masked[~same] == 0).all()
    assert torch.equal(masked[same], free[same])


@many
@given(batches())
def test_a_further_owner_leaves_the_others_unchanged(batch):
    embeddings, owner, _, n = batch
    plain = semantic_similarity_matrix(embeddings, owner, n_owners=n)
    more = semantic_similarity_matrix(embeddings, owner, n_owners=n + 3)
    assert torch.equal(more[:n], plain)
    assert not more[n:].any()


def test_by_hand():
    # Angles 0°, 60°, 90°, 180°: cosines 1, 0.5, 0, −1. Image 0 has texts 0 and 2, image 1 the rest.
    embeddings = torch.tensor([[2.0, 0.0], [0.5, 3**0.5 / 2], [0.0, 1.0], [-1.0, 0.0]])
    owner = torch.tensor([0, 1, 0, 1])
    root = 3**0.5 / 2
    found = semantic_similarity_matrix(embeddings, owner)
    expected = torch.tensor([[1.0, root, 1.0, 0.0], [0.5, 1.0, root, 1.0]])
    torch.testing.assert_close(found, expected)
    mean = semantic_similarity_matrix(embeddings, owner, pool="mean")
    expected = torch.tensor([[0.5, (0.5 + root) / 2, 0.5, 0.0], [0.0, 0.25, root / 2, 0.25]])
    torch.testing.assert_close(mean, expected, atol=1e-6, rtol=0)


def test_a_text_belongs_fully_to_its_own_image():
    embeddings = torch.randn(50, 7, generator=torch.Generator().manual_seed(0))
    owner = torch.arange(50) % 13
    found = semantic_similarity_matrix(embeddings, owner)
    torch.testing.assert_close(found[owner, torch.arange(50)], torch.ones(50))


def test_thousands_with_uneven_owners():
    generator = torch.Generator().manual_seed(1)
    embeddings = torch.randn(3000, 32, generator=generator)
    owner = (torch.rand(3000, generator=generator) ** 3 * 700).long()
    similarity = torch.nn.functional.normalize(embeddings, dim=1)
    similarity = similarity @ similarity.T
    expected = torch.stack(
        [
            similarity[owner == i].amax(0) if (owner == i).any() else torch.zeros(3000)
            for i in range(700)
        ]
    ).clamp(0, 1)
    for block_elements in (2**24, 100_000):
        found = semantic_similarity_matrix(
            embeddings, owner, n_owners=700, block_elements=block_elements
        )
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("owner", [[], [0]])
def test_none_and_one(owner):
    embeddings = torch.ones(len(owner), 3)
    found = semantic_similarity_matrix(embeddings, torch.tensor(owner, dtype=torch.long))
    assert found.tolist() == [[pytest.approx(1.0)] for _ in owner]
    wide = semantic_similarity_matrix(embeddings, torch.tensor(owner, dtype=torch.long), n_owners=2)
    assert wide.shape == (2, len(owner))


def test_small_integer_owners():
    embeddings = torch.eye(3)
    expected = semantic_similarity_matrix(embeddings, torch.tensor([0, 1, 1]))
    for dtype in (torch.int32, torch.int8):
        owner = torch.tensor([0, 1, 1], dtype=dtype)
        assert torch.equal(semantic_similarity_matrix(embeddings, owner), expected)


def test_bfloat16_is_close_to_float32():
    embeddings = torch.randn(200, 64, generator=torch.Generator().manual_seed(2))
    owner = torch.arange(200) // 3
    exact = semantic_similarity_matrix(embeddings, owner)
    rough = semantic_similarity_matrix(embeddings.bfloat16(), owner)
    assert rough.dtype == torch.bfloat16
    torch.testing.assert_close(rough.float(), exact, atol=1e-2, rtol=0)
    assert rough.max() <= 1


@pytest.mark.parametrize("pool", ["max", "mean"])
@pytest.mark.parametrize("block_elements", [2**24, 12])
def test_gradient(pool, block_elements):
    generator = torch.Generator().manual_seed(3)
    embeddings = torch.randn(6, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    owner = torch.tensor([0, 2, 0, 3, 2, 2])
    group = torch.tensor([0, 0, 1, 0, 1, 0])
    assert torch.autograd.gradcheck(
        lambda e: semantic_similarity_matrix(
            e, owner, group=group, n_owners=5, pool=pool, block_elements=block_elements
        ),
        (embeddings,),
    )


def test_calibration_comes_before_mask_and_pool():
    embeddings = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    owner, group = torch.tensor([0, 0, 1]), torch.tensor([0, 1, 1])
    found = semantic_similarity_matrix(
        embeddings, owner, group=group, calibration=Calibration(low=0.5)
    )
    # Cosines 0.6, 0, 0.8 become 0.2, −1, 0.6; the mask keeps only text 1 with text 2.
    torch.testing.assert_close(found, torch.tensor([[1.0, 1.0, 0.6], [0.0, 0.6, 1.0]]))


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"owner": torch.tensor([0, 1, -1])}, "owner -1 is out of range"),
        ({"owner": torch.tensor([0, 1, 7]), "n_owners": 3}, "owner 7 is out of range: 3 owners"),
        ({"owner": torch.tensor([0.0, 1.0, 2.0])}, r"owner must hold integers.*owner\.long\(\)"),
        ({"owner": torch.tensor([True, False, True])}, "owner must hold integers"),
        ({"owner": torch.tensor([0, 1])}, "one entry for each of the 3 texts"),
        ({"owner": torch.zeros(3, dtype=torch.long, device="meta")}, "owner is on 'meta'"),
        ({"group": torch.tensor([0, 1])}, "group must have one entry"),
        ({"n_owners": -1}, "n_owners must not be negative"),
        ({"pool": "median"}, "unknown pool 'median': use 'max' or 'mean'"),
        ({"embeddings": torch.ones(3, 2, dtype=torch.long)}, "embeddings must be floats"),
        ({"embeddings": torch.ones(3)}, "embeddings must be floats of shape"),
        ({"embeddings": torch.tensor([[1.0], [2.0], [math.nan]])}, "embedding 2 holds NaN"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"embeddings": torch.ones(3, 2), "owner": torch.tensor([0, 1, 2])} | change
    embeddings, owner = arguments.pop("embeddings"), arguments.pop("owner")
    with pytest.raises(SsmError, match=message):
        semantic_similarity_matrix(embeddings, owner, **arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_cpu():
    embeddings = torch.randn(300, 32, generator=torch.Generator().manual_seed(4))
    owner = torch.arange(300) // 4
    expected = semantic_similarity_matrix(embeddings, owner, group=owner % 3)
    on_gpu = semantic_similarity_matrix(embeddings.cuda(), owner.cuda(), group=owner.cuda() % 3)
    torch.testing.assert_close(on_gpu.cpu(), expected, atol=1e-5, rtol=0)
