import numpy as np
import pytest
from medfilip_model.data import pixels
from medfilip_model.data.pixels import load_images
from PIL import Image


def save(path, values):
    Image.fromarray(values).save(path)
    return path


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
    assert "no such file" in skipped[0].reason
