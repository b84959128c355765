"""The order is a pure function of seed and epoch: resume, workers and ranks change nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from medfilip_model.data.collate import Batch
from medfilip_model.data.entities import Entities
from medfilip_model.data.loader import EpochLoader, epoch_order
from medfilip_model.data.samples import ImageSet, Sample
from medfilip_model.data.shards import load_prepared
from medfilip_model.data.texts import build_texts
from medfilip_model.errors import ConfigError, DataError


def make(images: ImageSet, kb, **changes: object) -> EpochLoader:
    table = build_texts(
        images, range(len(images.samples)), kb, template="triplet", normal="n", augment=True
    )
    entities = Entities(("mass", "nodule"), ("left", "right"), kb)
    settings = {"batch": 4, "seed": 5, "entities": entities, **changes}
    return EpochLoader(images, table, tuple(table.rows), **settings)


def same(first: list[Batch], second: list[Batch]) -> bool:
    """Whether two sequences of batches are equal, NaN included."""
    return len(first) == len(second) and all(
        torch.equal(a.nan_to_num(-1), b.nan_to_num(-1))
        for left, right in zip(first, second, strict=True)
        for a, b in zip(left, right, strict=True)
    )


def grey(batch: Batch) -> list[int]:
    return batch.images[:, 0, 0, 0].tolist()


def test_an_epoch_shows_every_image_once_but_for_the_last_incomplete_batch(many, kb):
    loader = make(many, kb)
    batches = list(loader.epoch(1))
    assert len(loader) == len(batches) == 5
    shown = [value for batch in batches for value in grey(batch)]
    assert len(set(shown)) == len(shown) == 20
    assert {batch.images.shape for batch in batches} == {(4, 1, 4, 4)}


def test_order_and_texts_depend_on_seed_and_epoch_alone(many, kb):
    first, again = make(many, kb), make(many, kb)
    list(first.epoch(1))
    assert same(list(first.epoch(2)), list(again.epoch(2)))
    assert not same(list(first.epoch(1)), list(first.epoch(2)))
    assert not same(list(first.epoch(1)), list(make(many, kb, seed=6).epoch(1)))


def test_texts_are_drawn_anew_in_every_epoch(many, kb):
    loader = make(many, kb)
    drawn = {
        tuple(batch.text[batch.owner == grey(batch).index(1)].tolist())
        for number in range(8)
        for batch in loader.epoch(number)
        if 1 in grey(batch)
    }
    assert len(drawn) > 3


def test_each_image_of_an_epoch_draws_for_itself(many, kb):
    # All images with findings have the same two.
    drawn = {
        tuple(batch.text[batch.owner == n].tolist())
        for batch in make(many, kb).epoch(0)
        for n, value in enumerate(grey(batch))
        if value % 3
    }
    assert len(drawn) > 8


def test_nothing_is_taken_from_the_global_generators(many, kb):
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002 - the global state is what must not be touched
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    list(make(many, kb).epoch(1))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.random.get_state()[1].tolist() == before[1]  # noqa: NPY002


def test_an_epoch_goes_on_at_any_step(many, kb):
    whole = list(make(many, kb).epoch(3))
    for start in range(6):
        assert same(list(make(many, kb).epoch(3, start)), whole[start:])
    with pytest.raises(DataError, match="step 6 is not one of the 5 steps"):
        next(make(many, kb).epoch(3, 6))


@settings(deadline=None, max_examples=20)
@given(count=st.integers(4, 40), per_rank=st.integers(1, 3), world=st.integers(1, 4))
def test_the_ranks_share_each_batch_between_them(kb, count, per_rank, world):
    batch = per_rank * world
    if count < batch:
        return
    samples = tuple(Sample(f"{n}", f"{n}", "train", ()) for n in range(count))
    samples = (replace(samples[0], report="r"), *samples[1:])
    pixels = np.arange(count, dtype=np.uint8)[:, None, None] * np.ones((1, 2, 2), np.uint8)
    images = ImageSet("set", samples, pixels)
    table = replace(
        build_texts(images, [0], kb, template="triplet", normal="n", text="report"),
        rows=dict.fromkeys(range(count), (0,)),
    )

    def keys(rank: int, world: int):
        loader = EpochLoader(
            images, table, range(count), batch=batch, seed=1, rank=rank, world=world
        )
        return list(loader.keys(2))

    alone = keys(0, 1)
    shared = [keys(rank, world) for rank in range(world)]
    assert [[key for part in parts for key in part] for parts in zip(*shared, strict=True)] == alone


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_gets_its_half_of_each_batch(many, kb, rank):
    half = list(make(many, kb, rank=rank, world=2).epoch(1))
    for part, whole in zip(half, make(many, kb).epoch(1), strict=True):
        mine = slice(2 * rank, 2 * rank + 2)
        assert torch.equal(part.images, whole.images[mine])
        own = (whole.owner >= 2 * rank) & (whole.owner < 2 * rank + 2)
        assert torch.equal(part.text, whole.text[own])
        assert torch.equal(part.owner, whole.owner[own] - 2 * rank)


def test_what_cannot_be_shared(many, kb):
    with pytest.raises(ConfigError, match=r"4 images does not divide among 3 .* make it 3 or 6"):
        make(many, kb, world=3)
    with pytest.raises(ConfigError, match="rank 2 is not one of 2 processes"):
        make(many, kb, rank=2, world=2)
    with pytest.raises(DataError, match="21 training images are fewer than one batch of 22"):
        make(many, kb, batch=22)


def prepared(write_set, kb, rows=None) -> ImageSet:
    return load_prepared(write_set(rows), kb, size=16)


# Three workers are asked for on purpose, whatever the machine has.
@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_workers_change_nothing(write_set, kb):
    images = prepared(write_set, kb)
    expected = [list(make(images, kb, batch=2).epoch(n, n)) for n in (0, 1)]
    for workers in (1, 3):
        loader = make(images, kb, batch=2, workers=workers)
        assert same(list(loader.epoch(0, 0)), expected[0])
        # Left in the middle, with batches on their way: the next pass begins where it should.
        next(iter(loader.epoch(5)))
        assert same(list(loader.epoch(1, 1)), expected[1])
        loader.close()
        assert same(list(loader.epoch(1, 1)), expected[1])
        loader.close()


def test_arrays_need_no_workers(many, kb):
    assert make(many, kb, workers=3)._workers == 0


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_cannot_be_decoded_is_named_without_a_traceback(write_set, kb, rows, workers):
    rows[4]["image"] = b"broken"
    loader = make(prepared(write_set, kb, rows), kb, batch=2, workers=workers)
    with pytest.raises(DataError, match=r"^cannot decode image 'im-4' in ") as caught:
        list(loader.epoch(0))
    assert "Traceback" not in str(caught.value)
    loader.close()


def test_every_row_comes_first_at_times():
    firsts = {int(epoch_order(10, 0, epoch)[0]) for epoch in range(200)}
    assert firsts == set(range(10))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_batches_are_pinned_for_a_gpu(many, kb):
    batch = next(iter(make(many, kb).epoch(0)))
    assert batch.images.is_pinned()
    assert batch.text.is_pinned()
