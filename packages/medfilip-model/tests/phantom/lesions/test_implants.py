def test_metal_is_the_brightest_thing_it_covers(pair):
    for index in range(5):
        shown = pair("pacemaker", None, index, 256)
        assert shown.image[shown.mask].mean() > shown.bare[shown.mask].mean() + 0.06


def test_box_or_entry_lies_on_the_said_side(pair):
    for name in ("pacemaker", "central_line"):
        for index in range(5):
            shown = pair(name, None, index)
            sign = 1 if shown.item.finding.side == "left" else -1
            far = sign * shown.relative_x[shown.mask]
            assert far.max() > 0.4
            assert far.min() > -0.3


def test_a_central_line_ends_at_the_vena_cava(pair):
    for index in range(5):
        shown = pair("central_line", None, index, 256)
        lowest = shown.y[shown.mask].max()
        assert -0.2 < lowest < 0.0
        end = shown.relative_x[shown.mask & (shown.y > lowest - 0.02)]
        assert -0.15 < end.mean() < 0.0
