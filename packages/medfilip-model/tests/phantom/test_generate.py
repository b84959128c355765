import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_model.errors import ConfigError
from medfilip_model.phantom import PhantomConfig, generate, generate_many, plan_phantom


def _same(a, b):
    assert a.id == b.id
    np.testing.assert_array_equal(a.image, b.image)
    assert a.findings == b.findings
    assert a.report == b.report
    assert a.patient == b.patient
    assert a.masks.keys() == b.masks.keys()
    for number in a.masks:
        np.testing.assert_array_equal(a.masks[number], b.masks[number])


def test_order_and_repetition_do_not_matter():
    config = PhantomConfig(size=64)
    forward = {index: generate(config, index) for index in range(6)}
    for index in (5, 0, 3):
        _same(generate(config, index), forward[index])


def test_processes_give_the_same_in_order():
    config = PhantomConfig(size=32, seed=2)
    indices = [9, 2, *range(20, 38)]
    alone = list(generate_many(config, indices))
    shared = list(generate_many(config, indices, workers=2))
    assert [p.id for p in shared] == [f"phantom-{index:06d}" for index in indices]
    for a, b in zip(alone, shared, strict=True):
        _same(a, b)


def test_indices_are_consumed_lazily():
    def endless():
        index = 0
        while True:
            yield index
            index += 1

    many = generate_many(PhantomConfig(size=32), endless())
    assert next(many).id == "phantom-000000"


@settings(max_examples=25, deadline=None)
@given(
    size=st.sampled_from([32, 48, 64, 100, 128]),
    seed=st.integers(0, 2**40),
    index=st.integers(0, 10**7),
    unseen=st.sampled_from([0.0, 1.0]),
)
def test_any_phantom_is_well_formed(size, seed, index, unseen):
    phantom = generate(PhantomConfig(size=size, seed=seed, unseen_share=unseen), index)
    assert phantom.image.shape == (size, size)
    assert phantom.image.dtype == np.float32
    assert np.isfinite(phantom.image).all()
    assert phantom.image.min() >= 0
    assert phantom.image.max() <= 1
    assert phantom.image.std() > 0.05
    assert list(phantom.masks) == list(range(len(phantom.findings)))
    for mask in phantom.masks.values():
        assert mask.dtype == bool
        assert mask.shape == (size, size)
        assert 0 < mask.sum() < 0.5 * mask.size


@pytest.mark.parametrize("size", [96, 256])
def test_the_same_patient_at_another_size(size):
    for index in range(4):
        small = generate(PhantomConfig(size=64), index)
        large = generate(PhantomConfig(size=size), index)
        assert small.findings == large.findings
        assert small.report == large.report
        rows = np.linspace(0, 64, size, endpoint=False).astype(int)
        enlarged = small.image[np.ix_(rows, rows)]
        assert np.corrcoef(enlarged.ravel(), large.image.ravel())[0, 1] > 0.96


def test_a_plan_is_the_phantom_without_pixels():
    config = PhantomConfig(size=64, seed=4)
    for index in range(10):
        plan, phantom = plan_phantom(config, index), generate(config, index)
        assert plan.findings == phantom.findings
        assert plan.report == phantom.report
        assert plan.id == phantom.id


def test_other_seed_other_patient():
    a, b = (generate(PhantomConfig(size=64, seed=seed), 0) for seed in (0, 1))
    assert a.patient != b.patient
    assert not np.array_equal(a.image, b.image)


def test_bad_requests_are_named():
    with pytest.raises(ConfigError, match=r"index -1 is negative"):
        generate(PhantomConfig(), -1)
    with pytest.raises(ConfigError, match=r"workers is 0"):
        list(generate_many(PhantomConfig(), [0], workers=0))
