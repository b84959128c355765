import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from medfilip_model.statements.packed import Packed
from pydantic import ValidationError

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=4)
NUMBERS = st.floats(-1000, 1000, width=32)


def text_of(*values: float) -> str:
    return base64.b64encode(np.array(values, dtype="<f4").tobytes()).decode()


@given(hnp.arrays(np.float64, SHAPES, elements=NUMBERS))
def test_a_matrix_comes_back_from_json(values: np.ndarray):
    packed = Packed.model_validate_json(Packed.of(values).model_dump_json())
    np.testing.assert_array_equal(packed.values, values)
    assert packed.values.dtype == np.float64
    assert packed == Packed.of(values)
    assert hash(packed) == hash(Packed.of(values))
    assert packed != Packed.of(values + 1)
    assert packed != packed.data


def test_numbers_are_kept_row_by_row_in_32_bits():
    packed = Packed.of(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 0.1]]))
    assert packed.shape == (2, 3)
    assert packed.data == text_of(1, 2, 3, 4, 5, 0.1)
    assert packed.values[1, 2] == np.float32(0.1)


@pytest.mark.parametrize(
    ("shape", "data", "message"),
    [
        ((2, 2), text_of(1, 2, 3), "no matrix of 2 x 2"),
        ((1, 2), text_of(1, 2, 3), "no matrix of 1 x 2"),
        ((1, 1), "AAA=", "no matrix of 1 x 1"),
        ((1, 1), "!" + text_of(1), "no matrix of 1 x 1"),
        ((1, 1), "é", "no matrix of 1 x 1"),
        ((1, 1), "A", "no matrix of 1 x 1"),
        ((10**12, 10**12), text_of(1), "no matrix of"),
        ((-1, 1), text_of(1), "greater than or equal to 0"),
        ((1, 2), text_of(1, np.nan), "not finite"),
        ((1, 1), text_of(np.inf), "not finite"),
    ],
)
def test_what_is_no_finite_matrix_is_refused(shape: tuple[int, int], data: str, message: str):
    with pytest.raises(ValidationError, match=message):
        Packed(shape=shape, data=data)
