import numpy as np
from medfilip_bench.datasets.mirror import doubled_halves
from medfilip_model.data import ImageSet
from medfilip_model.statements.questions import mirrored


def test_halves_are_the_doubled_images_in_their_order(labelled):
    data = labelled()
    left, right = mirrored(np.asarray(data.images.pixels))
    found = doubled_halves(data)
    assert list(found) == ["left", "right"]
    for half, wanted in (("left", left), ("right", right)):
        pixels = found[half].images.pixels
        assert pixels.shape == wanted.shape
        np.testing.assert_array_equal(pixels[np.arange(len(wanted))], wanted)
        np.testing.assert_array_equal(pixels[2:5], wanted[2:5])
        np.testing.assert_array_equal(pixels[3], wanted[3])


def test_all_else_stays_as_it_is(labelled):
    data = labelled()
    for half in doubled_halves(data).values():
        assert half.images.samples == data.images.samples
        assert half.rows("test") == data.rows("test")
        np.testing.assert_array_equal(half.labels, data.labels)


def test_nothing_that_is_kept_of_the_whole_images_is_taken_for_a_half(labelled):
    data = labelled()
    left, right = doubled_halves(data).values()
    for split in data.pixel_keys:
        assert len({one.pixel_keys[split] for one in (data, left, right)}) == 3
    assert len({one.key for one in (data, left, right)}) == 3
    assert len({one.images.name for one in (data, left, right)}) == 3
    again, _ = doubled_halves(labelled()).values()
    assert (again.key, again.pixel_keys) == (left.key, left.pixel_keys)
    other, _ = doubled_halves(labelled(seed=1)).values()
    assert other.pixel_keys["test"] != left.pixel_keys["test"]


class Untouched:
    """Pixels that may not be asked for."""

    shape = (18, 8, 8)

    def __len__(self):
        return 18

    def __getitem__(self, rows):
        raise AssertionError("pixels were read")


def test_no_pixel_is_read_before_it_is_asked_for(labelled):
    data = labelled()
    images = ImageSet("toys", data.images.samples, Untouched())
    found = doubled_halves(labelled(images=images))
    assert [len(half.images.pixels) for half in found.values()] == [18, 18]
