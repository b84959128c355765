"""Segmentation metrics from pixel counts: Dice and IoU of each image, and of all pixels together.

Axes: N images, H W pixels. On an image without the finding an empty answer is right (Dice 1) and
any other wrong (Dice 0), as the SIIM-ACR challenge counts. So the mean Dice of an answer that is
always empty is the share of images without the finding (77.8 on SIIM), and the mean alone says
little: `dice` over the positives and over the negatives stand beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from medfilip_bench.metrics.measure import Measure


@dataclass(frozen=True)
class Overlaps:
    """Pixel counts of each image, those left out that are not to be judged.

    Attributes:
        both: Pixels marked in truth and in the answer, [N].
        said: Pixels marked in the answer, [N].
        true: Pixels marked in the truth, [N].
    """

    both: Int[np.ndarray, " N"]
    said: Int[np.ndarray, " N"]
    true: Int[np.ndarray, " N"]

    @property
    def positive(self) -> Bool[np.ndarray, " N"]:
        """Which images show the finding."""
        return self.true > 0

    def dice(self) -> Float[np.ndarray, " N"]:
        """Dice of each image; 1 where truth and answer are both empty."""
        return _share(2 * self.both, self.said + self.true)

    def iou(self) -> Float[np.ndarray, " N"]:
        """Intersection over union of each image; 1 where both are empty."""
        return _share(self.both, self.said + self.true - self.both)

    def pooled_dice(self) -> Measure:
        """Dice of the pixels of all images together: large findings weigh more."""
        marked = int(self.said.sum() + self.true.sum())
        if not marked:
            return Measure.undefined("nothing is marked in truth or answer")
        return Measure(2 * int(self.both.sum()) / marked)

    def emptied(self) -> "Overlaps":
        """Return what an answer that is always empty comes to on the same images."""
        none = np.zeros_like(self.said)
        return Overlaps(both=none, said=none, true=self.true)


def overlaps(
    said: Bool[np.ndarray, "N H W"],
    truth: Bool[np.ndarray, "N H W"],
    judged: Bool[np.ndarray, "N H W"] | None = None,
) -> Overlaps:
    """Count pixels.

    Args:
        said: The answer, [N, H, W].
        truth: The mask, [N, H, W].
        judged: Pixels that count; all of them where None, [N, H, W].
    """
    if judged is not None:
        said, truth = said & judged, truth & judged
    return Overlaps(both=_area(said & truth), said=_area(said), true=_area(truth))


def joined(parts: Sequence[Overlaps]) -> Overlaps:
    """Join the counts of several batches, in order."""
    none = np.zeros(0, dtype=np.int64)
    return Overlaps(
        both=np.concatenate([none, *(part.both for part in parts)]),
        said=np.concatenate([none, *(part.said for part in parts)]),
        true=np.concatenate([none, *(part.true for part in parts)]),
    )


def _area(mask: Bool[np.ndarray, "N H W"]) -> Int[np.ndarray, " N"]:
    return np.count_nonzero(mask, axis=(1, 2)).astype(np.int64)


def _share(top: Int[np.ndarray, " N"], bottom: Int[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    """Return top / bottom, 1 where bottom is zero."""
    return np.divide(top, bottom, out=np.ones(top.shape), where=bottom > 0)
