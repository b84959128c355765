import math
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ssm import (
    Calibration,
    SsmError,
    fit_calibration,
    normalise,
    semantic_similarity_matrix,
    targets,
)
from ssm.targets import pool_rows

many = settings(max_examples=40, deadline=None)
POOLS = ["max", "mean", "softmax"]


@st.composite
def batches(draw, most=26):
    """Small integer embeddings (zeros and repeats are likely), owners, groups, spare images."""
    m, dim = draw(st.integers(0, most)), draw(st.integers(1, 6))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    rows = torch.randint(-3, 4, (m, dim), generator=generator).float()
    owner = torch.randint(0, draw(st.integers(1, 9)), (m,), generator=generator)
    group = torch.randint(0, 3, (m,), generator=generator) if draw(st.booleans()) else None
    n = int(owner.max() if m else -1) + 1 + draw(st.integers(0, 2))
    return rows, owner, group, n


def reference(embeddings, owner, group, n, pool, temperature):
    """Eq. 4-5, one number at a time."""
    rows, owner = embeddings.double().tolist(), owner.tolist()
    group = None if group is None else group.tolist()
    lengths = [math.hypot(*row) for row in rows]
    result = [[0.0] * len(rows) for _ in range(n)]
    for i in range(n):
        for j, column in enumerate(rows):
            similarities = []
            for k, row in enumerate(rows):
                if owner[k] != i:
                    continue
                length = lengths[k] * lengths[j]
                dot = sum(a * b for a, b in zip(row, column, strict=True))
                cosine = dot / length if length else 0.0
                masked = group is not None and group[k] != group[j]
                similarities.append(0.0 if masked else cosine)
            if similarities:
                value = pooled(similarities, pool, temperature)
                result[i][j] = min(1.0, max(0.0, value))
    return torch.tensor(result, dtype=torch.float64).reshape(n, len(rows))


def pooled(similarities, pool, temperature):
    if pool == "max":
        return max(similarities)
    if pool == "mean":
        return sum(similarities) / len(similarities)
    weights = [math.exp(value / temperature) for value in similarities]
    shares = [weight / sum(weights) for weight in weights]
    return sum(share * value for share, value in zip(shares, similarities, strict=True))


@settings(max_examples=600, deadline=None)
@given(
    batches(),
    st.sampled_from(POOLS),
    st.sampled_from([0.1, 1.0, math.inf]),
    st.sampled_from([1, 500, 2**24]),
)
def test_equals_the_double_loop(batch, pool, temperature, block_elements):
    embeddings, owner, group, n = batch
    found = semantic_similarity_matrix(
        embeddings,
        owner,
        group=group,
        n_owners=n,
        pool=pool,
        temperature=temperature,
        block_elements=block_elements,
    )
    expected = reference(embeddings, owner, group, n, pool, temperature)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), expected, atol=1e-6, rtol=0)


@settings(max_examples=400, deadline=None)
@given(
    batches(),
    st.sampled_from(POOLS),
    st.sampled_from([(torch.bfloat16, 1e-2), (torch.float16, 2e-3), (torch.float64, 1e-12)]),
    st.integers(0, 2**32),
)
def test_equals_the_double_loop_in_other_precisions(batch, pool, precision, seed):
    embeddings, owner, group, n = batch
    dtype, tolerance = precision
    noise = torch.rand(embeddings.shape, generator=torch.Generator().manual_seed(seed))
    embeddings = embeddings + noise.double() * (embeddings != 0)
    found = semantic_similarity_matrix(
        embeddings.to(dtype), owner, group=group, n_owners=n, pool=pool, temperature=1.0
    )
    expected = reference(embeddings, owner, group, n, pool, 1.0)
    assert found.dtype == dtype
    torch.testing.assert_close(found.double(), expected, atol=tolerance, rtol=0)


@many
@given(batches())
def test_bounded_and_softmax_lies_between_mean_and_max(batch):
    embeddings, owner, group, n = batch
    best, mean, soft = (
        semantic_similarity_matrix(embeddings, owner, group=group, n_owners=n, pool=pool)
        for pool in ("max", "mean", "softmax")
    )
    for found in (best, mean, soft):
        assert (found >= 0).all()
        assert (found <= 1).all()
    assert (best >= soft - 1e-6).all()
    assert (soft >= mean - 1e-6).all()


@many
@given(batches())
def test_softmax_goes_from_maximum_to_mean_with_the_temperature(batch):
    embeddings, owner, group, n = batch

    def pool(name, temperature=0.1):
        return semantic_similarity_matrix(
            embeddings, owner, group=group, n_owners=n, pool=name, temperature=temperature
        )

    torch.testing.assert_close(pool("softmax", 1e-6), pool("max"), atol=1e-6, rtol=0)
    torch.testing.assert_close(pool("softmax", math.inf), pool("mean"), atol=1e-6, rtol=0)


@many
@given(batches(), st.sampled_from(POOLS), st.randoms(use_true_random=False))
def test_permuting_texts_permutes_columns(batch, pool, random):
    embeddings, owner, group, n = batch
    order = list(range(len(owner)))
    random.shuffle(order)
    plain = semantic_similarity_matrix(embeddings, owner, group=group, n_owners=n, pool=pool)
    shuffled = semantic_similarity_matrix(
        embeddings[order],
        owner[order],
        group=None if group is None else group[order],
        n_owners=n,
        pool=pool,
    )
    torch.testing.assert_close(shuffled, plain[:, order], atol=1e-6, rtol=0)


@many
@given(batches(), st.sampled_from(POOLS), st.randoms(use_true_random=False))
def test_renaming_owners_permutes_rows(batch, pool, random):
    embeddings, owner, group, n = batch
    names = list(range(n))
    random.shuffle(names)
    renamed = torch.tensor(names, dtype=torch.long)[owner]
    plain = semantic_similarity_matrix(embeddings, owner, group=group, n_owners=n, pool=pool)
    found = semantic_similarity_matrix(embeddings, renamed, group=group, n_owners=n, pool=pool)
    assert torch.equal(found[names], plain)


@many
@given(batches(), st.sampled_from(POOLS))
def test_mask_zeroes_other_groups(batch, pool):
    embeddings, owner, _, n = batch
    group = owner % 2
    masked = semantic_similarity_matrix(embeddings, owner, group=group, n_owners=n, pool=pool)
    free = semantic_similarity_matrix(embeddings, owner, n_owners=n, pool=pool)
    same = (torch.arange(n) % 2)[:, None] == group[None]
    assert (masked[~same] == 0).all()
    assert torch.equal(masked[same], free[same])


@many
@given(st.integers(1, 90), st.integers(1, 70), st.sampled_from(POOLS), st.integers(0, 2**32))
def test_further_images_leave_the_others_unchanged_to_the_last_bit(m, dim, pool, seed):
    generator = torch.Generator().manual_seed(seed)
    more = 1 + seed % 40
    embeddings = torch.randn(m + more, dim, generator=generator)
    owner = torch.randint(0, 5, (m + more,), generator=generator)
    owner[m:] += 5
    group = owner % 2
    plain = semantic_similarity_matrix(
        embeddings[:m], owner[:m], group=group[:m], n_owners=5, pool=pool
    )
    found = semantic_similarity_matrix(embeddings, owner, group=group, n_owners=12, pool=pool)
    assert torch.equal(found[:5, :m], plain)
    assert not found[10:].any(), "images without a text"


@many
@given(st.integers(1, 90), st.integers(1, 70), st.sampled_from(POOLS), st.integers(0, 2**32))
def test_some_rows_are_those_of_the_whole_matrix_to_the_last_bit(m, dim, pool, seed):
    generator = torch.Generator().manual_seed(seed)
    unit = normalise(torch.randn(m, dim, generator=generator))
    owner = torch.randint(0, 6, (m,), generator=generator)
    group = torch.randint(0, 2, (m,), generator=generator)
    options = {"pool": pool, "calibration": Calibration(low=-0.5), "column_group": group}
    whole = pool_rows(unit, owner, unit, row_group=group, n_owners=6, **options)
    for first, last in ((0, 1), (1, 4), (4, 6)):
        mine = (owner >= first) & (owner < last)
        part = pool_rows(
            unit[mine],
            owner[mine] - first,
            unit,
            row_group=group[mine],
            n_owners=last - first,
            **options,
        )
        assert torch.equal(part, whole[first:last])


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


def test_softmax_by_hand():
    # Image 0 has texts at 0° and 60°: cosines 1 and 0.5 with text 0. e^(1 / 0.5) : e^(0.5 / 0.5).
    embeddings = torch.tensor([[1.0, 0.0], [0.5, 3**0.5 / 2]])
    found = semantic_similarity_matrix(
        embeddings, torch.tensor([0, 0]), pool="softmax", temperature=0.5
    )
    expected = (math.e**2 + 0.5 * math.e) / (math.e**2 + math.e)
    torch.testing.assert_close(found, torch.full((1, 2), expected))


def test_a_zero_vector_is_similar_to_nothing():
    embeddings = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    found = semantic_similarity_matrix(embeddings, torch.tensor([0, 1, 0]))
    assert found.tolist() == [[1, 0, 1], [0, 0, 0]]


def test_a_text_at_the_mean_has_a_column_of_zeros():
    embeddings = torch.cat([torch.eye(4), torch.full((1, 4), 3.0)])
    calibration = Calibration("center", mean=torch.full((4,), 0.5))
    owner = torch.tensor([0, 1, 2, 3, 3])
    found = semantic_similarity_matrix(embeddings, owner, calibration=calibration)
    assert not found[:, 4].any()
    torch.testing.assert_close(found[owner[:4], range(4)], torch.ones(4))


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


def test_autocast_does_not_coarsen_the_targets():
    embeddings = torch.randn(40, 64, generator=torch.Generator().manual_seed(2))
    owner = torch.arange(40) // 3
    exact = semantic_similarity_matrix(embeddings, owner)
    with torch.autocast("cpu", torch.bfloat16):
        found = semantic_similarity_matrix(embeddings, owner)
    assert torch.equal(found, exact)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("block_elements", [2**24, 1])
@pytest.mark.parametrize("method", ["none", "whiten"])
def test_gradient(pool, block_elements, method):
    generator = torch.Generator().manual_seed(3)
    embeddings = torch.randn(17, 2, generator=generator, dtype=torch.float64, requires_grad=True)
    owner = torch.randint(0, 5, (17,), generator=generator)
    calibration = replace(fit_calibration(embeddings.detach(), method), low=-0.2)
    assert torch.autograd.gradcheck(
        lambda e: semantic_similarity_matrix(
            e,
            owner,
            group=owner % 2,
            n_owners=6,
            pool=pool,
            temperature=0.5,
            calibration=calibration,
            block_elements=block_elements,
        ),
        (embeddings,),
    )


def test_a_zero_vector_has_a_finite_gradient():
    embeddings = torch.tensor([[1.0, 2.0], [0.0, 0.0]], requires_grad=True)
    for pool in POOLS:
        found = semantic_similarity_matrix(embeddings, torch.tensor([0, 0]), pool=pool)
        (gradient,) = torch.autograd.grad(found.square().sum(), embeddings)
        assert gradient.isfinite().all()


COMPILE = """
import torch
from functools import partial
from ssm import Calibration, normalise
from ssm.targets import pool_rows

generator = torch.Generator().manual_seed(0)
unit = normalise(torch.randn(50, 8, generator=generator))
owner = torch.randint(0, 12, (50,), generator=generator)
for pool in ("max", "mean", "softmax"):
    core = partial(pool_rows, row_group=owner % 3, column_group=owner % 3, n_owners=13, pool=pool,
                   calibration=Calibration(low=0.1), block_elements=500)
    ours, theirs = unit.clone().requires_grad_(), unit.clone().requires_grad_()
    expected = core(ours, owner, ours)
    found = torch.compile(core, fullgraph=True, backend="eager")(theirs, owner, theirs)
    assert torch.equal(found, expected)
    expected.square().sum().backward()
    found.square().sum().backward()
    assert torch.equal(ours.grad, theirs.grad)
"""


def test_the_core_compiles_into_one_graph():
    # In a process of its own, as installed: the wrappers that check shapes in tests do not compile.
    subprocess.run([sys.executable, "-c", COMPILE], check=True, timeout=300)


@pytest.mark.parametrize(("pool", "blocks"), [("max", 4), ("mean", 4), ("softmax", 7)])
def test_memory_stays_within_the_stated_number_of_blocks(pool, blocks, monkeypatch):
    """No tensor larger than a block or the result, and K never whole."""
    sizes = []
    plain = targets.inner
    monkeypatch.setattr(targets, "inner", lambda a, b: sizes.append(len(a) * len(b)) or plain(a, b))
    m, n, elements = 1000, 300, 50_000
    unit = normalise(torch.randn(m, 4, generator=torch.Generator().manual_seed(0)))
    owner = torch.arange(m) % n
    profile = torch.profiler.profile(profile_memory=True, acc_events=True)
    with profile:
        pool_rows(
            unit,
            owner,
            unit,
            row_group=owner,
            column_group=owner,
            n_owners=n,
            pool=pool,
            block_elements=elements,
        )
    assert max(sizes) <= elements
    assert sum(sizes) >= m * m
    live, peak = 0, 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            live += event.nbytes()
            peak = max(peak, live)
    vectors = 4 * 2 * 4 * (m + 16) + 8 * 2 * (m + 16)
    assert 4 * n * m < peak <= 4 * (n * m + blocks * elements) + vectors


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
        ({"pool": "median"}, "unknown pool 'median': use 'max', 'mean', 'softmax'"),
        ({"temperature": 0.0}, "temperature must be at least 1e-06, got 0.0"),
        ({"temperature": math.nan}, "temperature must be at least 1e-06, got nan"),
        ({"block_elements": 0}, "block_elements must be at least 1, got 0"),
        ({"embeddings": torch.ones(3, 2, dtype=torch.long)}, "embeddings must be floats"),
        ({"embeddings": torch.ones(3)}, "embeddings must be floats of shape"),
        ({"embeddings": torch.tensor([[1.0], [2.0], [math.nan]])}, "embedding 2 holds NaN"),
        ({"embeddings": torch.tensor([[1.0], [-math.inf], [1.0]])}, "embedding 1 holds NaN or inf"),
        ({"calibration": Calibration(mean=torch.ones(5))}, "fitted on 5 dimensions"),
    ],
)
def test_bad_input_is_named(change, message):
    arguments = {"embeddings": torch.ones(3, 2), "owner": torch.tensor([0, 1, 2])} | change
    embeddings, owner = arguments.pop("embeddings"), arguments.pop("owner")
    with pytest.raises(SsmError, match=message):
        semantic_similarity_matrix(embeddings, owner, **arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("pool", POOLS)
def test_cuda_equals_cpu(pool):
    embeddings = torch.randn(300, 32, generator=torch.Generator().manual_seed(4))
    owner = torch.arange(300) // 4
    calibration = fit_calibration(embeddings, "whiten")
    expected = semantic_similarity_matrix(
        embeddings, owner, group=owner % 3, pool=pool, calibration=calibration
    )
    on_gpu = semantic_similarity_matrix(
        embeddings.cuda(),
        owner.cuda(),
        group=owner.cuda() % 3,
        pool=pool,
        calibration=calibration.to("cuda"),
    )
    torch.testing.assert_close(on_gpu.cpu(), expected, atol=1e-5, rtol=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("pool", "blocks"), [("max", 4), ("mean", 4), ("softmax", 7)])
def test_cuda_memory_stays_within_the_stated_number_of_blocks(pool, blocks):
    m, n, elements = 20_000, 100, 2**22
    unit = normalise(torch.randn(m, 64, device="cuda"))
    owner = torch.arange(m, device="cuda") % n
    pool_rows(unit[:16], owner[:16], unit[:16], n_owners=n, pool=pool)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    pool_rows(unit, owner, unit, n_owners=n, pool=pool, block_elements=elements)
    used = torch.cuda.max_memory_allocated() - before
    assert used <= 4 * (n * m + m * 64 + blocks * elements) + 2**20
