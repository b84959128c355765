import numpy as np
import pytest
from medfilip_model.data import pixels
from medfilip_model.data.pixels import load_image, load_images
from medfilip_model.errors import DataError
from PIL import Image


def save(path, values):
    Image.fromarray(values).save(path)
    return path


def test_the_centre_square_is_kept(tmp_path):
    wide = np.zeros((10, 30), dtype=np.uint8)
    wide[:, 10:20] = 200
    assert load_image(save(tmp_path / "wide.png", wide), 10).tolist() == [[200] * 10] * 10


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    values = np.full((8, 8), 257 * 100, dtype=np.uint16)
    assert load_image(save(tmp_path / "deep.png", values), 8).tolist() == [[100] * 8] * 8


def test_colour_becomes_grey(tmp_path):
    values = np.full((8, 8, 3), 77, dtype=np.uint8)
    assert load_image(save(tmp_path / "rgb.jpg", values), 8).shape == (8, 8)


@pytest.mark.parametrize("content", [b"", b"not an image", None])
def test_an_unreadable_file_is_named(tmp_path, content):
    path = tmp_path / "broken.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read image '.*broken\.png'"):
        load_image(path, 8)


def test_a_truncated_file_is_named(tmp_path):
    values = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    whole = save(tmp_path / "whole.png", values).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="cannot read image"):
        load_image(tmp_path / "cut.png", 8)


def test_images_are_decoded_once_and_unreadable_ones_listed(tmp_path, monkeypatch):
    files = [save(tmp_path / f"{n}.png", np.full((8, 8), n, dtype=np.uint8)) for n in range(3)]
    files[1].write_bytes(b"broken")
    images, skipped = load_images(files, 8)
    assert images[:, 0, 0].tolist() == [0, 2]
    assert list(skipped) == [1]
    assert skipped[1].file == "1.png"

    def never(*_):
        raise AssertionError("decoded twice")

    monkeypatch.setattr(pixels, "load_image", never)
    again, skipped_again = load_images(files, 8)
    assert isinstance(again, np.memmap)
    assert again.tolist() == images.tolist()
    assert skipped_again == skipped


def test_a_changed_file_is_decoded_anew(tmp_path):
    path = save(tmp_path / "a.png", np.zeros((8, 8), dtype=np.uint8))
    assert load_images([path], 8)[0].max() == 0
    save(path, np.full((9, 9), 50, dtype=np.uint8))
    assert load_images([path], 8)[0].max() == 50


def test_a_decoder_that_dies_leaves_no_half_cache(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", np.zeros((8, 8), dtype=np.uint8))

    def dies(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pixels, "_decode", dies)
        with pytest.raises(KeyboardInterrupt):
            load_images([path], 8)
    assert list((pixels.cache_root() / "images").iterdir()) == []
    assert load_images([path], 8)[0].shape == (1, 8, 8)


def test_not_one_readable_image(tmp_path):
    images, skipped = load_images([tmp_path / "absent.png"], 8)
    assert images.shape == (0, 8, 8)
    assert "No such file" in skipped[0].reason
