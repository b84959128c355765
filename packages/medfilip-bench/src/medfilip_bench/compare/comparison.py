"""What a comparison holds: one line a test, and what could not be compared."""

from medfilip_bench.series import Frozen


class Test(Frozen):
    """One metric of one class, or of a whole task, for two models; first minus second.

    Attributes:
        task: Task name.
        phantom: Whether its data are phantoms.
        row: Row id of the class; ``all`` for the task's own figure.
        name: What a reader is shown.
        metric: Metric name.
        n: Images.
        patients: Patients among them.
        first: Value of the first model.
        second: Value of the second.
        difference: First minus second.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p: Two-sided p of this test alone.
        p_holm: The same, corrected for all tests of the comparison (Holm).
        method: How difference and p were made: ``DeLong``, ``paired bootstrap`` or ``McNemar``.
        reason: Why the difference, or its interval and p, are null.
    """

    # Not for pytest to collect.
    __test__ = False

    task: str
    phantom: bool
    row: str
    name: str
    metric: str
    n: int
    patients: int
    first: float | None
    second: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    p_holm: float | None = None
    method: str
    reason: str | None = None


class Refusal(Frozen):
    """A task of both models that cannot be compared, and why."""

    task: str
    reason: str


class Comparison(Frozen):
    """Two models, test by test.

    Attributes:
        first: Name of the first model.
        second: Name of the second.
        tests: One line a test.
        refused: Tasks of both that cannot be compared.
        only_first: Tasks that the first model alone has.
        only_second: Tasks that the second alone has.
        replicates: Bootstrap replicates.
        seed: Their seed.
    """

    first: str
    second: str
    tests: tuple[Test, ...]
    refused: tuple[Refusal, ...] = ()
    only_first: tuple[str, ...] = ()
    only_second: tuple[str, ...] = ()
    replicates: int
    seed: int

    @property
    def made(self) -> int:
        """How many tests have a p, and so count in the correction."""
        return sum(test.p is not None for test in self.tests)
