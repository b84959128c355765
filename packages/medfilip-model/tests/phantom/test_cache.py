import numpy as np
import pytest
from medfilip_model.errors import DataError
from medfilip_model.phantom import PhantomConfig, default_cache_dir, generate, phantom_images

_CONFIG = PhantomConfig(size=32, seed=3)


def test_images_are_the_phantoms_in_bytes(tmp_path):
    images = phantom_images(_CONFIG, [4, 0, 4], cache_dir=tmp_path)
    assert images.dtype == np.uint8
    assert images.shape == (3, 32, 32)
    np.testing.assert_array_equal(images[0], images[2])
    expected = generate(_CONFIG, 0).image
    np.testing.assert_allclose(images[1] / 255, expected, atol=0.5 / 255 + 1e-6)


def test_a_second_call_reads_the_file(tmp_path):
    drawn = []
    first = phantom_images(_CONFIG, range(5), cache_dir=tmp_path, progress=drawn.append)
    assert sum(drawn) == 5
    again = phantom_images(_CONFIG, range(5), cache_dir=tmp_path, progress=drawn.append)
    assert sum(drawn) == 5
    np.testing.assert_array_equal(first, again)
    assert isinstance(again, np.memmap)
    assert not again.flags.writeable
    assert [path.suffix for path in tmp_path.iterdir()] == [".npy"]


def test_the_name_depends_on_every_pixel_s_cause(tmp_path):
    phantom_images(_CONFIG, [0, 1], cache_dir=tmp_path)
    for changes, indices in (
        ({"seed": 4}, [0, 1]),
        ({"size": 48}, [0, 1]),
        ({"normal_share": 0.5}, [0, 1]),
        ({}, [1, 0]),
    ):
        before = len(list(tmp_path.iterdir()))
        phantom_images(_CONFIG.model_copy(update=changes), indices, cache_dir=tmp_path)
        assert len(list(tmp_path.iterdir())) == before + 1
    phantom_images(_CONFIG.model_copy(update={"hedge_share": 0.9}), [0, 1], cache_dir=tmp_path)
    assert len(list(tmp_path.iterdir())) == before + 1, "wording changes no pixel"


def test_a_damaged_file_is_named_and_kept(tmp_path):
    phantom_images(_CONFIG, [0], cache_dir=tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=rf"{path.name}.*delete the file"):
        phantom_images(_CONFIG, [0], cache_dir=tmp_path)
    np.save(path, np.zeros((1, 8, 8), np.uint8))
    with pytest.raises(DataError, match="do not fit"):
        phantom_images(_CONFIG, [0], cache_dir=tmp_path)


def test_a_failure_leaves_nothing_behind(tmp_path):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        phantom_images(_CONFIG, [0], cache_dir=tmp_path, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_none_is_no_images(tmp_path):
    assert phantom_images(_CONFIG, [], cache_dir=tmp_path).shape == (0, 32, 32)


def test_the_environment_moves_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDFILIP_CACHE", str(tmp_path))
    assert default_cache_dir() == tmp_path / "phantoms"
    monkeypatch.delenv("MEDFILIP_CACHE")
    assert default_cache_dir().name == "phantoms"
