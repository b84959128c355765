"""A comparison as plain text, for the command line."""

from collections.abc import Sequence

from medfilip_bench.compare.comparison import Comparison, Test

_HEAD = (
    "task",
    "row",
    "metric",
    "images",
    "first",
    "second",
    "difference",
    "95 %",
    "p",
    "Holm",
    "by",
)
SIGNIFICANT = 0.05


def as_text(comparison: Comparison) -> str:
    """Return a table of all tests, what was refused, and how many differences stand.

    Args:
        comparison: From `compare`.
    """
    lines = [_HEAD, *(_cells(test) for test in comparison.tests)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(_HEAD))]
    table = ["  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in lines]
    stand = [t for t in comparison.tests if t.p_holm is not None and t.p_holm <= SIGNIFICANT]
    words = [
        f"first = {comparison.first}, second = {comparison.second}; difference = first − second",
        "",
        *(line.rstrip() for line in table),
        "",
        f"{comparison.made} tests, {len(stand)} with a corrected p ≤ {SIGNIFICANT} (Holm over all "
        f"of them); {comparison.replicates} bootstrap replicates over patients, seed "
        f"{comparison.seed}.",
    ]
    words += [f"not compared: {r.task}: {r.reason}" for r in comparison.refused]
    for name, tasks in (
        (comparison.first, comparison.only_first),
        (comparison.second, comparison.only_second),
    ):
        if tasks:
            words.append(f"only {name}: {', '.join(tasks)}")
    return "\n".join(words) + "\n"


def _cells(test: Test) -> Sequence[str]:
    """Return one line of the table; what is undefined shows its reason."""
    interval = "—" if test.low is None else f"{test.low:+.3f} to {test.high:+.3f}"
    if test.reason:
        interval = test.reason
    return (
        test.task,
        test.name,
        test.metric,
        str(test.n),
        _number(test.first),
        _number(test.second),
        "—" if test.difference is None else f"{test.difference:+.3f}",
        interval,
        _p(test.p),
        _p(test.p_holm),
        test.method,
    )


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}"


def _p(value: float | None) -> str:
    if value is None:
        return "—"
    return "<0.001" if value < 0.001 else f"{value:.3f}"
