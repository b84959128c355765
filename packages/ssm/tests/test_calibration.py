import json
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ssm import (
    Calibration,
    SsmError,
    calibration,
    cosine,
    fit_calibration,
    normalise,
    semantic_similarity_matrix,
)

METHODS = ["none", "minmax", "center", "whiten", "quantile"]
many = settings(max_examples=40, deadline=None)


def cone(count, dim, seed=0, width=0.3):
    """Vectors of a narrow cone, as language models give them: cosines around 0.9."""
    generator = torch.Generator().manual_seed(seed)
    axis = torch.randn(1, dim, generator=generator)
    return axis + width * torch.randn(count, dim, generator=generator)


def similarities(embeddings, method, **options):
    fitted = fit_calibration(embeddings, method, **options)
    rows = fitted.rows(normalise(embeddings))
    return fitted.apply(rows @ rows.T)


def test_no_calibration_changes_nothing():
    matrix, fitted = torch.rand(3, 3), fit_calibration(torch.rand(4, 2), "none")
    assert fitted.settings() == Calibration().settings()
    assert fitted.apply(matrix) is matrix
    assert fitted.rows(matrix) is matrix
    assert fitted.tensors() == {}


def test_minmax_by_hand():
    embeddings = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.6, 0.8]])
    fitted = fit_calibration(embeddings, "minmax")
    assert fitted.low == pytest.approx(0.6)
    assert fitted.high == 1
    found = fitted.apply(torch.tensor([[0.6, 0.8, 1.0, 0.5]]))
    torch.testing.assert_close(found, torch.tensor([[0.0, 0.5, 1.0, -0.25]]))


def test_minmax_finds_the_lowest_pair_in_any_block(monkeypatch):
    embeddings = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    whole = fit_calibration(embeddings, "minmax")
    monkeypatch.setattr(calibration, "_BLOCK_ELEMENTS", 120)
    blocked = fit_calibration(embeddings, "minmax")
    assert blocked.low == pytest.approx(whole.low)
    assert whole.low == pytest.approx(float(cosine(embeddings, embeddings).min()))


def test_quantile_takes_the_least_similar_pairs_to_nothing():
    # Angles 0°, 90°, 60°, 45° against the first: six pairs whose cosines are known.
    angles = torch.tensor([0.0, 90.0, 60.0, 45.0]).deg2rad()
    embeddings = torch.stack([angles.cos(), angles.sin()], dim=1)
    pairs = sorted(torch.tensor([90.0, 60.0, 45.0, 30.0, 45.0, 15.0]).deg2rad().cos().tolist())
    assert fit_calibration(embeddings, "quantile", share=0.5).low == pytest.approx(pairs[2])
    similar = similarities(embeddings, "quantile", share=0.99).clamp(0, 1)
    assert similar.diagonal().tolist() == pytest.approx([1.0] * 4)
    off = similar[~torch.eye(4, dtype=torch.bool)]
    assert (off > 1e-6).sum() == 2, "one pair, both ways, lies above the quantile"


def test_quantile_looks_at_an_even_sample_of_a_large_bank(monkeypatch):
    embeddings = torch.rand(9, 3, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(calibration, "_SAMPLE", 3)
    sampled = fit_calibration(embeddings, "quantile", share=0.5)
    assert sampled.low == fit_calibration(embeddings[::3], "quantile", share=0.5).low


def test_center_by_hand():
    # Two vectors at ±60° about the first axis: what they share goes, what is left is opposite.
    root = 3**0.5 / 2
    fitted = fit_calibration(torch.tensor([[0.5, root], [1.0, -2 * root]]), "center")
    torch.testing.assert_close(fitted.mean, torch.tensor([0.5, 0.0]))
    found = fitted.rows(torch.tensor([[0.5, root], [1.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([[0.0, 1.0], [1.0, 0.0]]))


def test_whiten_by_hand():
    # A rhombus of angles about the first axis: four directions whose variances differ 9 : 1.
    flat = torch.tensor([[3.0, 0.0], [-3.0, 0.0], [0.0, 1.0], [0.0, -1.0]]) / 10
    unit = torch.cat([flat, (1 - flat.square().sum(dim=1, keepdim=True)).sqrt()], dim=1)
    fitted = fit_calibration(unit, "whiten", variance=0.99)
    assert fitted.transform.shape == (3, 2), "the third axis holds 0.8 % of the variance"
    diagonal = fitted.mean + torch.tensor([[0.3, 0.1, 0.0]])
    found = fitted.rows(torch.cat([unit, diagonal]))
    expected = torch.tensor([1.0, -1.0, 0.0, 0.0, 0.5**0.5])
    torch.testing.assert_close(found @ found[0], expected, atol=1e-5, rtol=0)


@many
@given(st.integers(30, 80), st.integers(2, 12), st.integers(0, 1000))
def test_whitened_vectors_have_no_mean_and_the_identity_as_covariance(count, dim, seed):
    unit = normalise(cone(count, dim, seed)).double()
    fitted = fit_calibration(unit, "whiten", variance=1 - 1e-9)
    white = (unit - fitted.mean) @ fitted.transform.double()
    kept = white.shape[1]
    assert kept in (dim - 1, dim)
    identity = torch.eye(kept, dtype=torch.float64)
    torch.testing.assert_close(white.T @ white / count, identity, atol=1e-3, rtol=0)
    torch.testing.assert_close(white.mean(0), identity.new_zeros(kept), atol=1e-3, rtol=0)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_fewer_texts_than_dimensions_can_be_whitened(count):
    embeddings = cone(count, 50)
    fitted = fit_calibration(embeddings, "whiten")
    assert fitted.transform.shape[0] == 50
    assert 1 <= fitted.transform.shape[1] < count
    found = similarities(embeddings, "whiten")
    assert found.isfinite().all()
    torch.testing.assert_close(found.diagonal(), torch.ones(count), atol=1e-5, rtol=0)


def test_whiten_keeps_the_components_that_hold_the_share_of_the_variance():
    # Variances 8 : 1 : 1 about a far mean, so that the length takes little away.
    generator = torch.Generator().manual_seed(0)
    scale = torch.tensor([8.0, 1.0, 1.0, 0.0]).sqrt()
    embeddings = torch.randn(5000, 4, generator=generator) * scale
    embeddings[:, 3] = 1000
    kept = [
        fit_calibration(embeddings, "whiten", variance=share).transform.shape[1]
        for share in (0.75, 0.85, 0.95)
    ]
    assert kept == [1, 2, 3]


def test_moments_do_not_depend_on_blocks(monkeypatch):
    embeddings = cone(100, 6)
    whole = fit_calibration(embeddings, "whiten").rows(normalise(embeddings))
    monkeypatch.setattr(calibration, "_BLOCK_ELEMENTS", 20)
    blocked = fit_calibration(embeddings, "whiten").rows(normalise(embeddings))
    torch.testing.assert_close(blocked @ blocked.T, whole @ whole.T)


@pytest.mark.parametrize("method", ["minmax", "center", "whiten", "quantile"])
def test_each_method_parts_the_categories_of_a_narrow_cone(method):
    generator = torch.Generator().manual_seed(1)
    category = torch.arange(60) % 4
    embeddings = 3 * torch.randn(1, 20, generator=generator)
    embeddings = embeddings + torch.randn(4, 20, generator=generator)[category]
    embeddings = embeddings + 0.3 * torch.randn(60, 20, generator=generator)
    same = category[:, None] == category[None]

    def gap(matrix):
        matrix = matrix.clamp(0, 1)
        return float(matrix[same].mean() - matrix[~same].mean())

    plain = gap(cosine(embeddings, embeddings))
    assert plain < 0.2
    assert gap(similarities(embeddings, method)) > 2 * plain


@many
@given(st.sampled_from(METHODS), st.integers(2, 30), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_a_text_with_itself_stays_at_one_and_targets_stay_bounded(method, count, dim, seed):
    embeddings = cone(count, dim, seed)
    fitted = fit_calibration(embeddings, method)
    owner = torch.arange(count) // 2
    found = semantic_similarity_matrix(embeddings, owner, calibration=fitted)
    assert (found >= 0).all()
    assert (found <= 1).all()
    if method != "whiten":
        rounding = 1e-6 + 5e-7 / (fitted.high - fitted.low)
        own = found[owner, range(count)]
        torch.testing.assert_close(own, torch.ones(count), atol=rounding, rtol=0)


@many
@given(st.sampled_from(METHODS), st.integers(0, 1000), st.sampled_from([1e-20, 7.0, 1e20]))
def test_lengths_and_zero_rows_do_not_matter(method, seed, scale):
    embeddings = cone(12, 5, seed)
    plain = similarities(embeddings, method)
    longer = torch.cat([torch.zeros(2, 5), embeddings * scale])
    fitted = fit_calibration(longer, method)
    rows = fitted.rows(normalise(longer))
    assert not rows[:2].any()
    torch.testing.assert_close(fitted.apply(rows @ rows.T)[2:, 2:], plain, atol=1e-4, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("transform", [None, torch.tensor([[1.0, 0.0], [0.0, 30.0], [0.0, 0.0]])])
def test_rows_are_of_length_one_or_zero(dtype, transform):
    mean = torch.tensor([0.6, 0.8, 0.0])
    fitted = Calibration(mean=mean, transform=transform)
    unit = torch.stack([torch.tensor([1.0, 0.0, 0.0]), mean, torch.zeros(3)]).to(dtype)
    found = fitted.rows(unit)
    assert found.dtype == dtype
    lengths = found.double().norm(dim=1)
    torch.testing.assert_close(lengths[0].item(), 1.0, atol=1e-2, rtol=0)
    assert lengths[1:].tolist() == [0, 0], "at the mean, and zero before"


def test_a_row_that_the_transform_does_not_see_becomes_zero_not_noise():
    # Rounding leaves 1e-8 of the text in the plane of the others; whitened it would have length 1.
    unit = normalise(torch.cat([cone(6, 3, width=0.5), torch.zeros(6, 1)], dim=1))
    turn = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(0))).Q
    fitted = fit_calibration(unit @ turn, "whiten", variance=0.9999)
    beside = fitted.mean + 0.5 * turn[3]
    assert not fitted.rows(beside[None]).any()


def test_fits_half_precision_and_gives_float32():
    embeddings = cone(20, 6).bfloat16()
    fitted = fit_calibration(embeddings, "whiten")
    assert {tensor.dtype for tensor in fitted.tensors().values()} == {torch.float32}
    expected = fit_calibration(embeddings.float(), "whiten")
    torch.testing.assert_close(fitted.mean, expected.mean)


def test_to_moves_the_tensors():
    fitted = fit_calibration(cone(9, 4), "whiten")
    moved = fitted.to("meta")
    assert {tensor.device.type for tensor in moved.tensors().values()} == {"meta"}
    assert moved.settings() == fitted.settings()
    assert fitted.to("cpu", torch.float64).mean.dtype == torch.float64
    centered = fit_calibration(cone(9, 4), "center").to("meta")
    assert centered.transform is None
    plain = Calibration(low=0.3)
    assert plain.to("meta") is plain


@pytest.mark.parametrize("method", METHODS)
def test_restore_is_the_inverse_of_what_is_saved(method):
    embeddings = cone(15, 6)
    fitted = fit_calibration(embeddings, method)
    settings_read = json.loads(json.dumps(fitted.settings()))
    # Files hold contiguous tensors.
    read = {name: tensor.contiguous() for name, tensor in fitted.tensors().items()}
    found = Calibration.restore(settings_read, read)
    assert all(tensor.is_contiguous() for tensor in fitted.tensors().values())
    assert found.settings() == fitted.settings()
    assert found.method == method
    unit = normalise(embeddings)
    assert torch.equal(found.rows(unit), fitted.rows(unit))


MEAN, TRANSFORM = torch.ones(3), torch.ones(3, 2)


@pytest.mark.parametrize(
    ("change", "tensors", "message"),
    [
        ({"method": "zca"}, {}, "unknown calibration 'zca': use one of 'none', 'minmax'"),
        ({"method": ["none"]}, {}, r"unknown calibration \['none'\]"),
        ({"more": 1}, {}, "has method, low and high, got"),
        ({"low": "0"}, {}, "low and high are numbers, got '0' and 1.0"),
        ({"low": 1.0}, {}, r"needs low < high, got 1\.0 and 1\.0"),
        ({"high": math.inf}, {}, "needs low < high"),
        ({"method": "center"}, {}, r"'center' has the tensors \['mean'\], got \[\]"),
        ({"method": "minmax"}, {"mean": MEAN}, r"'minmax' has the tensors \[\], got \['mean'\]"),
        ({"method": "whiten"}, {"mean": MEAN}, r"has the tensors \['mean', 'transform'\]"),
        ({"method": "center"}, {"mean": MEAN * math.nan}, "mean must be finite, with 1 axes"),
        ({"method": "center"}, {"mean": TRANSFORM}, "mean must be finite, with 1 axes"),
        (
            {"method": "whiten"},
            {"mean": torch.ones(2), "transform": TRANSFORM},
            r"a transform \[D, E\] goes with a mean \[D\], got \[3, 2\] and \[2\]",
        ),
    ],
)
@pytest.mark.usefixtures("unchecked_shapes")
def test_what_does_not_fit_is_not_restored(change, tensors, message):
    saved = Calibration().settings() | change
    with pytest.raises(SsmError, match=message):
        Calibration.restore(saved, tensors)


@pytest.mark.usefixtures("unchecked_shapes")
def test_unknown_method():
    allowed = "use one of 'none', 'minmax', 'center', 'whiten', 'quantile'"
    with pytest.raises(SsmError, match=f"unknown calibration 'zca': {allowed}"):
        fit_calibration(torch.ones(2, 4), "zca")
    with pytest.raises(SsmError, match=f"unknown calibration 'zca': {allowed}"):
        Calibration("zca")


def test_empty_range_is_an_error():
    with pytest.raises(SsmError, match=r"low < high, got 1\.0 and 1\.0"):
        Calibration(low=1.0)


@pytest.mark.usefixtures("unchecked_shapes")
def test_a_transform_alone_is_an_error():
    with pytest.raises(SsmError, match=r"got \[2, 2\] and None"):
        Calibration(transform=torch.eye(2))


def test_rows_of_another_bank_or_device_are_refused():
    fitted = fit_calibration(cone(9, 4), "center")
    with pytest.raises(SsmError, match=r"fitted on 4 dimensions .* the embeddings have 5"):
        fitted.rows(torch.ones(2, 5))
    with pytest.raises(SsmError, match=r"is on 'cpu', the embeddings have 4 and are on 'meta'"):
        fitted.rows(torch.ones(2, 4, device="meta"))


@pytest.mark.parametrize("option", ["share", "variance"])
@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, float("nan")])
def test_a_share_outside_the_open_interval_is_refused(option, value):
    with pytest.raises(SsmError, match=f"{option} must lie between 0 and 1"):
        fit_calibration(torch.eye(3), "quantile", **{option: value})


@pytest.mark.parametrize("method", ["minmax", "center", "whiten", "quantile"])
@pytest.mark.parametrize("rows", [0, 1, 3])
def test_texts_must_differ(method, rows):
    with pytest.raises(SsmError, match=f"{method} calibration needs two .* differ, got {rows}"):
        fit_calibration(torch.ones(rows, 4), method)


def test_a_quantile_among_texts_alike_is_an_error():
    embeddings = torch.cat([torch.ones(9, 2), torch.tensor([[1.0, 0.0]])])
    with pytest.raises(SsmError, match=r"share 0\.9 of the pairs ends among texts that are alike"):
        fit_calibration(embeddings, "quantile", share=0.9)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_embeddings_must_be_finite(bad):
    embeddings = torch.eye(3)
    embeddings[1, 2] = bad
    with pytest.raises(SsmError, match="embeddings hold NaN or infinity"):
        fit_calibration(embeddings, "center")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("method", METHODS)
def test_cuda_equals_cpu(method):
    embeddings = cone(50, 16)
    fitted = fit_calibration(embeddings.cuda(), method)
    rows = fitted.rows(normalise(embeddings.cuda()))
    found = fitted.apply(rows @ rows.T)
    torch.testing.assert_close(found.cpu(), similarities(embeddings, method), atol=1e-4, rtol=0)
