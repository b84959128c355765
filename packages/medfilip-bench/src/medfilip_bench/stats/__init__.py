"""Statistics as pure functions: patient-level bootstrap, paired tests, correction for many."""

from medfilip_bench.stats.bootstrap import patient_groups, replicate, resample_weights
from medfilip_bench.stats.calibrated import calibration_interval
from medfilip_bench.stats.delong import DeLong, delong
from medfilip_bench.stats.holm import holm
from medfilip_bench.stats.intervals import (
    Interval,
    Patients,
    interval,
    macro_patients,
    macro_replicates,
    resting_on,
    seed_replicates,
)
from medfilip_bench.stats.paired import Difference, mcnemar, paired
from medfilip_bench.stats.weighted import (
    WeightedCounts,
    Weights,
    ratio,
    weighted_auc_ap,
    weighted_counts,
    weighted_gaps,
    weighted_mean,
    weighted_single_label,
)

__all__ = [
    "DeLong",
    "Difference",
    "Interval",
    "Patients",
    "WeightedCounts",
    "Weights",
    "calibration_interval",
    "delong",
    "holm",
    "interval",
    "macro_patients",
    "macro_replicates",
    "mcnemar",
    "paired",
    "patient_groups",
    "ratio",
    "replicate",
    "resample_weights",
    "resting_on",
    "seed_replicates",
    "weighted_auc_ap",
    "weighted_counts",
    "weighted_gaps",
    "weighted_mean",
    "weighted_single_label",
]
