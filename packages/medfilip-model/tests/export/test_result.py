import pytest
import torch
from medfilip_model.export.result import TOLERANCE, ExportError, compare


def test_the_largest_difference_over_all_probes():
    a = [torch.tensor([0.5, -2.0]), torch.tensor([1.0])]
    b = [torch.tensor([0.5, -2.0]), torch.tensor([1.0 + 5e-5])]
    check = compare("x", a, b)
    assert check.difference == pytest.approx(5e-5, rel=0.01)
    assert check.scale == 2.0


def test_the_tolerance_grows_with_the_scale_alone():
    large = torch.tensor([100.0])
    compare("x", [large], [large + 50 * TOLERANCE])
    with pytest.raises(ExportError, match=r"x differs from torch by 0\.0\d+, more than"):
        compare("x", [large], [large + 200 * TOLERANCE])
    small = torch.tensor([0.01])
    compare("x", [small], [small + 0.5 * TOLERANCE])
    with pytest.raises(ExportError):
        compare("x", [small], [small + 2 * TOLERANCE])


def test_what_is_no_number_or_of_another_shape_is_refused():
    one = torch.ones(2)
    with pytest.raises(ExportError, match="differs from torch by nan"):
        compare("x", [one], [one * float("nan")])
    with pytest.raises(ExportError, match=r"\[1\] came out in place of \[2\]"):
        compare("x", [one], [one[:1]])
