import os

import pytest
from medfilip_model.builders.parallel import in_order
from medfilip_model.errors import DataError


def test_results_come_in_order_with_their_chunks():
    for workers in (1, 2):
        assert list(in_order(abs, range(-9, 9), workers=workers)) == [
            (n, abs(n)) for n in range(-9, 9)
        ]


def test_chunks_are_taken_only_when_there_is_room():
    taken = []

    def chunks():
        for n in range(1000):
            taken.append(n)
            yield n

    done = in_order(abs, chunks(), workers=2)
    next(done)
    assert len(taken) < 12
    done.close()


def test_a_worker_that_dies_is_a_clear_error():
    with pytest.raises(DataError, match="a process that decodes images died"):
        list(in_order(os._exit, range(4), workers=2))
