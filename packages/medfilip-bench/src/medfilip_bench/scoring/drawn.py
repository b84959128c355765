"""Bootstrap replicates together with the patients that they rest on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medfilip_bench.stats import Interval, Patients, interval, macro_patients, macro_replicates


@dataclass(frozen=True)
class Drawn:
    """Bootstrap replicates of one metric.

    Attributes:
        values: One column a class, or a single one, [R, C].
        patients: How many patients each column rests on, C.
    """

    values: Float[np.ndarray, "R C"]
    patients: tuple[Patients, ...]

    def interval(self, index: int = 0) -> Interval:
        """Return the interval of one column."""
        return interval(self.values[:, index], self.patients[index])

    def mean(self, columns: Sequence[int]) -> "Drawn":
        """Return the replicates of the mean over some columns, as a single one."""
        chosen = self.values[:, list(columns)]
        if len(columns) == 1:
            return Drawn(chosen, (self.patients[columns[0]],))
        counts = [self.patients[c] or 1 for c in columns]
        return Drawn(macro_replicates(chosen)[:, None], (macro_patients(chosen, counts),))
