"""Batches whose order is a pure function of seed and epoch, from any step on, for any rank.

Nothing is remembered between batches: which images stand at a position of an epoch, and how their
texts are drawn, follows from (seed, epoch, position) alone. So a run resumes at any step, and the
number of worker processes changes nothing but the speed.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from medfilip_model.data.collate import Batch, collate
from medfilip_model.data.entities import Entities
from medfilip_model.data.samples import ImageSet
from medfilip_model.data.texts import TextTable
from medfilip_model.errors import ConfigError, DataError

# Keeps the streams of the order and of the texts apart from each other.
_ORDER, _TEXTS = 0, 1


class Key(NamedTuple):
    """Which image stands where: all that a worker needs to make it.

    Attributes:
        epoch: Pass over the rows.
        position: Place within the epoch, over all ranks.
        row: Row of the image set.
    """

    epoch: int
    position: int
    row: int


def epoch_order(count: int, seed: int, epoch: int) -> np.ndarray:
    """The order of `count` rows in an epoch: a permutation that depends on nothing else."""
    return np.random.default_rng((seed, _ORDER, epoch)).permutation(count)


class EpochLoader:
    """Batches of training images, one pass at a time.

    The last incomplete batch of an epoch is left out. Of each batch of `batch` images every rank
    gets its own `batch / world` ones, in order.
    """

    def __init__(
        self,
        images: ImageSet,
        table: TextTable,
        rows: Sequence[int],
        *,
        batch: int,
        seed: int,
        entities: Entities | None = None,
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
        pin: bool | None = None,
        prefetch: int = 4,
    ) -> None:
        """Plan; nothing is read yet.

        Args:
            images: The images.
            table: Their texts; with variants, a text is drawn for each image and epoch.
            rows: Rows to train on, all known to `table`.
            batch: Images a step, over all ranks.
            seed: Seed of order and texts.
            entities: What a fusion head is asked for; None: nothing.
            workers: Processes that decode ahead. Images in an array (or a memory map) need none and
                get none.
            rank: This process, from 0.
            world: Processes that train together.
            pin: Whether batches are put into page-locked memory, from which copies to a GPU run
                beside the computation; None: where CUDA is there.
            prefetch: Batches that each worker makes ahead.

        Raises:
            ConfigError: If the batch does not divide among the ranks, or the rank is not one.
            DataError: If the rows do not fill one batch.
        """
        if not 0 <= rank < world:
            raise ConfigError(f"rank {rank!r} is not one of {world!r} processes")
        if batch % world:
            raise ConfigError(
                f"a batch of {batch!r} images does not divide among {world!r} processes: "
                f"make it {batch // world * world or world!r} or {-(-batch // world) * world!r}"
            )
        if len(rows) < batch:
            raise DataError(
                f"{len(rows)} training images are fewer than one batch of {batch}: "
                "give more images or a smaller batch"
            )
        self.rows = np.asarray(rows, dtype=np.int64)
        self.batch, self.seed = batch, seed
        self._share = batch // world
        self._rank = rank
        self._plan = _Plan()
        self._workers = 0 if isinstance(images.pixels, np.ndarray) else workers
        self._loader: DataLoader[Batch] = DataLoader(
            _Rows(images, table, entities, seed),
            batch_sampler=self._plan,  # pyright: ignore[reportArgumentType] - keys, not integers
            collate_fn=_as_it_is,  # pyright: ignore[reportArgumentType] - a batch, made whole
            num_workers=self._workers,
            prefetch_factor=prefetch if self._workers else None,
            persistent_workers=self._workers > 0,
            pin_memory=torch.cuda.is_available() if pin is None else pin,
            # Of its own: drawn from the global one, the number of passes would change what follows.
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        """Steps of an epoch."""
        return len(self.rows) // self.batch

    def keys(self, number: int, start: int = 0) -> Iterator[list[Key]]:
        """This rank's rows of each batch of an epoch, from step `start` on."""
        order = self.rows[epoch_order(len(self.rows), self.seed, number)]
        for step in range(start, len(self)):
            first = step * self.batch + self._rank * self._share
            yield [
                Key(number, position, int(order[position]))
                for position in range(first, first + self._share)
            ]

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of one epoch.

        Args:
            number: The epoch; equal numbers give equal batches.
            start: Steps to leave out at its beginning: those that were done before an interruption.

        Yields:
            This rank's batches, on the CPU.

        Raises:
            DataError: If an image cannot be decoded, or `start` is no step of an epoch.
        """
        if not 0 <= start <= len(self):
            raise DataError(f"step {start!r} is not one of the {len(self)} steps of an epoch")
        self._plan.batches = partial(self.keys, number, start)
        for made in self._loader:
            if isinstance(made, _Fault):
                raise DataError(made.message)
            yield made

    def close(self) -> None:
        """End the worker processes, if any; a later epoch starts them again."""
        self._loader._iterator = None  # pyright: ignore[reportPrivateUsage] - torch has no other way


@dataclass(frozen=True)
class _Fault:
    """An expected error on its way from a worker: torch would bury it in a traceback."""

    message: str


class _Plan(Sampler[list[Key]]):
    """The batches of the pass that is about to begin."""

    def __init__(self) -> None:
        self.batches: Callable[[], Iterator[list[Key]]] = list[list[Key]]().__iter__

    def __iter__(self) -> Iterator[list[Key]]:
        return self.batches()


class _Rows(Dataset[Batch]):
    """Makes the batch of some keys; torch calls it in a worker, or here if there is none."""

    def __init__(
        self, images: ImageSet, table: TextTable, entities: Entities | None, seed: int
    ) -> None:
        self.images, self.table, self.entities, self.seed = images, table, entities, seed

    def __getitems__(self, keys: Sequence[Key]) -> Batch | _Fault:
        draws = [
            np.random.default_rng((self.seed, _TEXTS, key.epoch, key.position)) for key in keys
        ]
        try:
            rows = [key.row for key in keys]
            return collate(rows, self.images, self.table, self.entities, draws)
        except DataError as error:
            return _Fault(str(error))


def _as_it_is(made: Batch | _Fault) -> Batch | _Fault:
    return made
