"""Encode once: features cached by the weights' hash and what decides a split's pixels."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from medfilip_model.data.samples import Split
from medfilip_model.progress import Listener, Silent
from torch import Tensor
from torch.nn import functional

from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.errors import ModelError
from medfilip_bench.files import hash_of, write_array
from medfilip_bench.models.base import ImageTextModel, LoadedModel, Supervised, TextScorer
from medfilip_bench.provenance import code_hash

EmbeddingRows = Float[np.ndarray, "N D"]
Encode = Callable[[Tensor], Tensor]
# Batches that are read ahead while one is encoded.
_AHEAD = 2


@dataclass
class Encoder:
    """A model that never encodes the same images twice.

    Attributes:
        loaded: The model.
        cache: Folder of the features.
        listener: Hears of progress.
        batch: Images at a time.
        encoded: Images that were really encoded, cache hits left out.
        needed: Different images that tasks asked for.
    """

    loaded: LoadedModel
    cache: Path
    listener: Listener = field(default_factory=Silent)
    batch: int = 64
    encoded: int = field(default=0, init=False)
    needed: int = field(default=0, init=False)
    _held: dict[Path, EmbeddingRows] = field(default_factory=dict, init=False)

    def embed(self, data: LabelledSet, split: Split) -> EmbeddingRows:
        """Return unit embeddings of a split's images, in the order of ``data.rows(split)``.

        Args:
            data: The set.
            split: Which of its images.

        Raises:
            ModelError: If the embeddings are no finite numbers.
        """
        encode = self.loaded.model.encode_image
        return self._once(data, split, ["embed"], lambda images: unit(encode(images)))

    def texts(self, texts: Sequence[str]) -> EmbeddingRows:
        """Return unit embeddings of texts.

        Raises:
            ModelError: If the model has no text encoder, or gives no finite numbers.
        """
        if not isinstance(self.loaded.model, ImageTextModel):
            raise ModelError(f"the model {self.loaded.spec!r} has no text encoder")
        with torch.inference_mode():
            return self._finite(unit(self.loaded.model.encode_text(list(texts))))

    def classes(self, prompts: Sequence[Sequence[str]]) -> Float[np.ndarray, "C D"]:
        """Return one unit vector a class: the direction of the mean of its texts.

        Args:
            prompts: The texts of each class, at least one.
        """
        flat = list(dict.fromkeys(text for texts in prompts for text in texts))
        place = {text: row for row, text in enumerate(flat)}
        embedded = self.texts(flat)
        means = [embedded[[place[text] for text in texts]].mean(axis=0) for texts in prompts]
        return unit(torch.from_numpy(np.stack(means))).numpy()

    def scores(
        self,
        data: LabelledSet,
        split: Split,
        categories: Sequence[str | None],
        prompts: Sequence[Sequence[str]],
    ) -> Float[np.ndarray, "N C"]:
        """Score each image of a split against each class; higher means more likely.

        An image-text model gives the cosine of image and class; a decoder the mean of its scores
        over the class's texts; a supervised reference its own output for the category, NaN where it
        has none.

        Args:
            data: The set.
            split: Which of its images.
            categories: Category of each class; None for what no category names.
            prompts: Texts of each class.

        Raises:
            ModelError: If the two towers do not end in the same space, or scores are not finite.
        """
        model = self.loaded.model
        if isinstance(model, Supervised):
            own = self._once(data, split, ["classes"], model.score_classes)
            column = {c: k for k, c in enumerate(model.categories) if c is not None}
            missing = np.full(len(own), np.nan)
            return np.stack(
                [own[:, column[c]] if c in column else missing for c in categories], axis=1
            ).astype(np.float64)
        if isinstance(model, TextScorer):
            flat = list(dict.fromkeys(text for texts in prompts for text in texts))
            place = {text: row for row, text in enumerate(flat)}
            scored = self._once(
                data, split, ["texts", *flat], lambda images: model.score_texts(images, flat)
            )
            means = [scored[:, [place[text] for text in texts]].mean(axis=1) for texts in prompts]
            return np.stack(means, axis=1).astype(np.float64)
        return similarities(self.embed(data, split), self.classes(prompts), self.loaded.spec)

    def encode_share(self, data: LabelledSet, split: Split, rank: int, world: int) -> None:
        """Encode every `world`-th image of a split, beginning with number `rank`, into the cache.

        Args:
            data: The set.
            split: Which of its images.
            rank: Number of this process.
            world: Processes in all; when each has done its share, `join_shares` makes one of them.
        """
        path = self._path(data, split, ["embed"])
        if path.is_file():
            return
        encode = self.loaded.model.encode_image
        rows = data.rows(split)[rank::world]
        found = self._encode(data, rows, split, lambda images: unit(encode(images)))
        write_array(_part(path, rank, world), found)

    def join_shares(self, data: LabelledSet, split: Split, world: int) -> None:
        """Make one array of all processes' shares.

        Args:
            data: The set.
            split: Which of its images.
            world: Processes that each have called `encode_share`.
        """
        path = self._path(data, split, ["embed"])
        if path.is_file():
            return
        parts = [np.load(_part(path, rank, world), allow_pickle=False) for rank in range(world)]
        kept = [part for part in parts if len(part)]
        joined = np.zeros((sum(map(len, kept)), kept[0].shape[1] if kept else 1), np.float32)
        for rank, part in enumerate(kept):
            joined[rank::world] = part
        write_array(path, joined)
        for rank in range(world):
            _part(path, rank, world).unlink()

    def _path(self, data: LabelledSet, split: Split, asked: Sequence[str]) -> Path:
        key = hash_of([self.loaded.sha256, data.pixel_keys.get(split, ""), asked, code_hash()])
        return self.cache / f"{key[:32]}.npy"

    def _once(
        self,
        data: LabelledSet,
        split: Split,
        asked: Sequence[str],
        encode: Encode,
    ) -> Float[np.ndarray, "N _"]:
        """Return what a function makes of a split's images: from memory, from disk, or now."""
        path = self._path(data, split, asked)
        if path in self._held:
            return self._held[path]
        rows = data.rows(split)
        self.needed += len(rows)
        if path.is_file():
            found = np.load(path, allow_pickle=False)
        else:
            found = self._encode(data, rows, split, encode)
            write_array(path, found)
        self._held[path] = found
        return found

    def _encode(
        self, data: LabelledSet, rows: Sequence[int], split: Split, encode: Encode
    ) -> Float[np.ndarray, "N _"]:
        self.listener.start(f"{self.loaded.name}: {data.images.name}, {split}", len(rows), "images")
        parts: list[np.ndarray] = []
        with torch.inference_mode():
            for pixels in ahead(batches(data, rows, self.batch)):
                images = torch.from_numpy(pixels).unsqueeze(1)
                parts.append(self._finite(encode(images)))
                self.listener.advance(len(pixels))
        self.encoded += len(rows)
        return np.concatenate(parts) if parts else np.zeros((0, 1), dtype=np.float32)

    def _finite(self, found: Tensor) -> np.ndarray:
        values = found.float().cpu().numpy()
        if not np.isfinite(values).all():
            raise ModelError(f"the model {self.loaded.spec!r} gives numbers that are not finite")
        return values


def _part(path: Path, rank: int, world: int) -> Path:
    return path.with_name(f"{path.stem}.{rank}-of-{world}.npy")


def batches(
    data: LabelledSet, rows: Sequence[int], size: int
) -> Iterator[UInt8[np.ndarray, "n H W"]]:
    """Yield the pixels of some rows in parts, read as they are asked for.

    Args:
        data: The set.
        rows: Rows of it.
        size: Images a part.
    """
    for start in range(0, len(rows), size):
        part = np.asarray(rows[start : start + size], dtype=np.int64)
        yield np.array(data.images.pixels[part])


def ahead(
    items: Iterator[UInt8[np.ndarray, "n H W"]],
) -> Iterator[UInt8[np.ndarray, "n H W"]]:
    """Yield the same items, read by a thread while the caller works on the one before."""
    read: queue.Queue[UInt8[np.ndarray, "n H W"] | BaseException | None] = queue.Queue(_AHEAD)
    stopped = threading.Event()

    def put(item: UInt8[np.ndarray, "n H W"] | BaseException | None) -> bool:
        while not stopped.is_set():
            try:
                read.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(None)
        # Whatever the reading raises belongs to the caller.
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (item := read.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stopped.set()
        thread.join()


def unit(embeddings: Float[Tensor, "N D"]) -> Float[Tensor, "N D"]:
    """Scale vectors to length one, in float32."""
    return functional.normalize(embeddings.float(), dim=-1)


def similarities(
    images: Float[np.ndarray, "N D"], texts: Float[np.ndarray, "M E"], spec: str
) -> Float[np.ndarray, "N M"]:
    """Return cosines of images and texts, as float64.

    Args:
        images: Unit image embeddings.
        texts: Unit text embeddings.
        spec: The model's name, for the message.

    Raises:
        ModelError: If the two towers do not end in the same space.
    """
    if images.shape[1] != texts.shape[1]:
        raise ModelError(
            f"the model {spec!r} embeds images in {images.shape[1]} dimensions and texts in "
            f"{texts.shape[1]}; both must be the same"
        )
    return images.astype(np.float64) @ texts.astype(np.float64).T
