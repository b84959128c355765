import pytest
from medfilip_model.errors import ConfigError
from medfilip_model.phantom.parallel import in_order


def _double(chunk):
    return [2 * index for index in chunk]


@pytest.mark.parametrize("count", [0, 1, 16, 17, 50])
def test_chunks_cover_the_indices_once_and_in_order(count):
    results = list(in_order(_double, range(count), workers=1))
    assert [value for chunk in results for value in chunk] == [2 * i for i in range(count)]


def test_no_workers_is_an_error():
    with pytest.raises(ConfigError, match="workers is -2"):
        next(in_order(_double, [1], workers=-2))
