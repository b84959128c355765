import numpy as np
import pytest
from medfilip_model.overlay import Panel, coloured, picture


def test_what_is_not_above_the_floor_stays_grey():
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    values = np.zeros((8, 8), np.float32)
    values[2, 3] = 1.0
    drawn = coloured(image, values, floor=0.0, top=1.0)
    grey = np.repeat(image[:, :, None], 3, axis=2)
    changed = (drawn != grey).any(axis=2)
    assert changed[2, 3]
    assert changed.sum() == 1


def test_stronger_is_brighter_and_more_covering():
    image = np.zeros((1, 3), np.uint8)
    drawn = coloured(image, np.array([[0.1, 0.5, 1.0]], np.float32), floor=0.0, top=1.0)
    assert (np.diff(drawn.astype(int).sum(axis=2)) > 0).all()
    # Above the top the colour stays.
    over = coloured(image, np.array([[1.0, 2.0, 9.0]], np.float32), floor=0.0, top=1.0)
    assert (over == over[:, :1]).all()


def test_colours_begin_without_an_edge():
    image = np.full((1, 400), 120, np.uint8)
    drawn = coloured(image, np.linspace(-1, 1, 400)[None], floor=0.0, top=1.0).astype(int)
    assert np.abs(np.diff(drawn, axis=1)).max() <= 3
    assert np.abs(drawn[0, 220] - 120).max() <= 12


def test_panels_stand_side_by_side_on_one_scale():
    image = np.full((20, 20), 100, np.uint8)
    weak, strong = (Panel(("x",), np.full((5, 5), v, np.float32)) for v in (0.1, 1.0))
    both = np.asarray(
        picture(image, [weak, strong], heading="h", unit="u", floor=0.0).convert("RGB")
    ).astype(int)
    alone = np.asarray(
        picture(image, [weak], heading="h", unit="u", floor=0.0).convert("RGB")
    ).astype(int)
    height = both.shape[0] // 2
    tile = 298
    one, two, three = (both[height, 150 + tile * n] for n in range(3))
    assert one.tolist() == [100, 100, 100]
    # The weak map is weak beside a strong one, and strongest where it is alone.
    assert abs(two - one).sum() < abs(three - one).sum()
    assert alone[height, 150 + tile].tolist() == three.tolist()


def test_without_the_image_only_the_map_is_shown():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (64, 64), dtype=np.uint8)
    values = np.full((4, 4), -1.0, np.float32)
    bare = picture(None, [Panel(("x",), values)], heading="h", unit="u", floor=0.0)
    shown = picture(image, [Panel(("x",), values)], heading="h", unit="u", floor=0.0)
    assert bare.width == shown.width - 298
    tile = np.asarray(bare)[60:300, 20:280]
    assert (tile == 0).all()


@pytest.mark.parametrize("values", [np.zeros((3, 3)), np.full((3, 3), -2.0)])
def test_a_map_without_anything_above_the_floor_can_be_drawn(values: np.ndarray):
    drawn = picture(None, [Panel(("x",), values)], heading="h", unit="u", floor=0.0)
    assert (np.asarray(drawn)[60:300, 20:280] == 0).all()


def test_long_lines_are_cut_in_their_middle():
    image = np.zeros((8, 8), np.uint8)
    panel = Panel(("x" * 400,), np.zeros((2, 2)))
    drawn = picture(image, [panel], heading="/very" * 100 + "/end.png", unit="u", floor=0.0)
    assert drawn.width == 10 + 2 * 298 + 14 + 52
