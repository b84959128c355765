import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_model.towers.stem import resample_positions, to_grey
from torch import nn


@given(st.integers(1, 4), st.integers(1, 3), st.booleans())
@settings(max_examples=20, deadline=None)
def test_one_channel_equals_three_alike(kernel: int, stride: int, bias: bool):
    net = nn.Sequential(nn.Conv2d(3, 5, kernel, stride, padding=1, bias=bias), nn.ReLU()).double()
    grey = torch.randn(2, 1, 9, 9, dtype=torch.double)
    expected = net(grey.expand(-1, 3, -1, -1))
    to_grey(net)
    torch.testing.assert_close(net(grey), expected, atol=1e-12, rtol=1e-12)
    assert net[0].in_channels == 1


def test_a_network_of_one_channel_is_left_alone():
    net = nn.Conv2d(1, 4, 3)
    before = net.weight
    to_grey(net)
    assert net.weight is before


def test_only_the_first_convolution_is_touched():
    net = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1))
    to_grey(net)
    assert [layer.in_channels for layer in net] == [1, 3]


def test_positions_of_the_same_grid_are_the_very_same():
    positions = torch.randn(1 + 16, 6)
    assert torch.equal(resample_positions(positions, 4, 4), positions)


def test_the_class_position_stays_and_the_grid_keeps_its_axes():
    # Channel 0 grows with the row, channel 1 with the column.
    y, x = torch.meshgrid(torch.arange(7.0), torch.arange(7.0), indexing="ij")
    grid = torch.stack([y, x], dim=-1).reshape(49, 2)
    found = resample_positions(torch.cat([torch.tensor([[9.0, -9.0]]), grid]), 14, 14)
    assert found.shape == (1 + 196, 2)
    assert found[0].tolist() == [9.0, -9.0]
    rows, columns = found[1:].reshape(14, 14, 2).unbind(-1)
    torch.testing.assert_close(rows, columns.T)
    assert (rows.diff(dim=0) > -0.1).all()
    assert rows[0, 0].item() == pytest.approx(0.0, abs=0.3)
    assert rows[-1, 0].item() == pytest.approx(6.0, abs=0.3)
