import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from medfilip_model.statements.gaussian import LinearGaussian, fit_gaussian
from medfilip_model.statements.packed import Packed

SMALL = st.floats(-4, 4, width=16)


def made(coefficients: np.ndarray, precision: np.ndarray) -> LinearGaussian:
    return LinearGaussian(coefficients=Packed.of(coefficients), precision=Packed.of(precision))


def test_log_likelihoods_by_hand():
    model = made(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[2.0, 1.0], [1.0, 2.0]]))
    found = model.log_likelihood(np.array([1.0, 2.0]), np.array([[1.0, 1], [0, 1], [1, 0], [0, 0]]))
    # What is left: nothing, (1, 0), (0, 2), (1, 2): minus half of 2, of 8, of 2 + 4 + 8.
    np.testing.assert_allclose(found, [0, -1, -4, -7])


@settings(max_examples=50)
@given(
    hnp.arrays(np.float64, (4, 3), elements=SMALL),
    hnp.arrays(np.float64, (4,), elements=SMALL),
    hnp.arrays(np.float64, (3,), elements=SMALL),
    st.permutations(range(4)),
)
def test_the_order_of_the_columns_does_not_matter(
    coefficients: np.ndarray, design: np.ndarray, readings: np.ndarray, order: list[int]
):
    precision = np.array([[2.0, 1, 0], [1, 2, 0], [0, 0, 1]])
    first = made(coefficients, precision).log_likelihood(readings, design[None])
    second = made(coefficients[order], precision).log_likelihood(readings, design[order][None])
    np.testing.assert_allclose(first, second, rtol=1e-12, atol=1e-9)


def test_a_fit_recovers_what_the_readings_were_made_of():
    rng = np.random.default_rng(0)
    truth = np.array([[1.0, -2.0], [0.5, 0.0], [3.0, 1.0]])
    noise = np.array([[0.25, 0.1], [0.1, 0.16]])
    designs = np.column_stack([rng.random((4000, 2)) < 0.3, np.ones(4000)]).astype(float)
    readings = designs @ truth + rng.multivariate_normal(np.zeros(2), noise, size=4000)
    fit = fit_gaussian(designs, readings)
    np.testing.assert_allclose(fit.coefficients.values, truth, atol=0.05)
    # A twentieth of the noise's covariance is taken to be its diagonal.
    shrunk = noise * np.array([[1, 0.95], [0.95, 1]])
    np.testing.assert_allclose(np.linalg.inv(fit.precision.values), shrunk, atol=0.015)


def test_what_is_rarely_seen_is_pulled_towards_nothing_but_no_constant_is():
    designs, readings = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[2.0], [0.0]])
    # [[1 + 1, 1], [1, 2]] b = [2, 2]
    np.testing.assert_allclose(
        fit_gaussian(designs, readings).coefficients.values, [[2 / 3], [2 / 3]], rtol=1e-6
    )
    free = fit_gaussian(designs, readings, constants=2).coefficients.values
    np.testing.assert_allclose(free, [[2], [0]], atol=1e-6)


def test_few_images_leave_little_of_what_readings_share():
    readings = np.array([[1.0, 1.0], [-1.0, -1.0], [1.0, 1.0], [-1.0, -1.0]])
    fit = fit_gaussian(np.ones((4, 1)), readings)
    # Two readings of four images: half of the covariance, which is 1, goes.
    np.testing.assert_allclose(np.linalg.inv(fit.precision.values), [[1, 0.5], [0.5, 1]], atol=1e-4)


def test_a_reading_that_never_varies_does_no_harm():
    rng = np.random.default_rng(1)
    readings = np.column_stack([rng.normal(size=100), np.full(100, 7.0)])
    fit = fit_gaussian(np.ones((100, 1)), readings)
    same = fit.log_likelihood(np.array([0.0, 7.0]), np.ones((1, 1)))
    assert np.isfinite(same).all()
    constant = fit_gaussian(np.ones((3, 1)), np.full((3, 2), 5.0))
    assert np.isfinite(constant.precision.values).all()


def test_no_image_is_refused():
    with pytest.raises(ValueError, match="no image to fit to"):
        fit_gaussian(np.zeros((0, 2)), np.zeros((0, 3)))
