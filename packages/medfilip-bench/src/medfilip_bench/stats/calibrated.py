"""An interval for a calibration error, which a plain bootstrap does not cover.

Axes: R replicates, K bins (of one class, or of several one behind another).
"""

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from medfilip_bench.stats.intervals import LEVEL, Interval, Patients, widening

_HALVINGS = 40


def calibration_interval(
    error: float,
    gaps: Float[np.ndarray, " K"],
    drawn: Float[np.ndarray, "R K"],
    patients: Patients = None,
) -> Interval:
    """Return the 95 % interval of Σ |gap|, by inverting a test.

    Noise raises a sum of absolute values, and the bootstrap, which adds the noise once more, raises
    it twice, so that its percentiles may lie above the truth and the estimate alike. Here the upper
    end is the estimate and its standard error times the quantile. The lower end moves down as far
    as an error like the one seen is no surprise, the true gaps being those seen times a factor ≤ 1;
    with factor 0 that is the question whether the probabilities may be right throughout. It errs
    on the wide side: where others hold the truth in 95 % of data sets this one does in 95 to 99 %.

    Args:
        error: The estimate, Σ |gap|.
        gaps: Share of the images × (said − seen), of each bin, [K].
        drawn: The same of each replicate; one with a NaN is left out, [R, K].
        patients: As for `interval`.
    """
    kept = drawn[np.isfinite(drawn).all(axis=1)]
    if kept.shape[0] * 2 < drawn.shape[0] or not kept.size:
        missing = drawn.shape[0] - kept.shape[0]
        return Interval(None, None, f"undefined in {missing} of {drawn.shape[0]} replicates")
    wider = widening(patients)
    if wider is None:
        return Interval(None, None, "rests on a single patient")
    noise = (kept - gaps) * wider
    tail = (1 - LEVEL) / 2
    reach = float(-ndtri(tail) * np.abs(gaps + noise).sum(axis=1).std())

    def surprising(factor: float) -> bool:
        return float(np.mean(np.abs(factor * gaps + noise).sum(axis=1) >= error)) < tail

    low, beyond = 0.0, 1.0
    if surprising(low):
        for _ in range(_HALVINGS):
            middle = (low + beyond) / 2
            low, beyond = (middle, beyond) if surprising(middle) else (low, middle)
    return Interval(low * error, min(error + reach, 1.0))
