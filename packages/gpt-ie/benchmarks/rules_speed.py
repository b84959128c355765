"""Reports a second and memory of `gpt_ie.extract` with the rules, file to file, on Open-i.

    uv run python packages/gpt-ie/benchmarks/rules_speed.py               # one core, two processes
    uv run python packages/gpt-ie/benchmarks/rules_speed.py --rows 1000000 --workers 2

Each line is a run in a process of its own: reading a CSV, extracting, the journal, the output. The
reports are those of the installed torchxrayvision that have text, repeated under new ids up to
``--rows``. Memory is the largest resident set of the process, and of each of its workers.
"""

import argparse
import csv
import multiprocessing
import os
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, islice
from pathlib import Path

from gpt_ie.samples import OPENI_COLUMNS, openi_reports


def write_reports(path: Path, rows: int) -> None:
    """Write a CSV of so many reports."""
    reports = [report for report in openi_reports() if any(report.sections.values())]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(OPENI_COLUMNS)
        for number, report in enumerate(islice(cycle(reports), rows)):
            writer.writerow((f"{report.report_id}-{number}", *report.sections.values()))


def largest_resident_set() -> float:
    """MB of this process. getrusage would count what the process had from before its exec."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


def measure(reports: Path, out: Path, workers: int) -> tuple[int, float, float, float]:
    """Reports, wall seconds of `extract`, MB of this process and of its largest worker."""
    from gpt_ie.pipeline import extract
    from gpt_ie.readers import read_reports
    from gpt_ie.rules.engine import RulesEngine

    engine = RulesEngine()
    begin = time.perf_counter()
    summary = extract(read_reports(reports), engine, out, workers=workers)
    seconds = time.perf_counter() - begin
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return summary.reports, seconds, largest_resident_set(), child


def main() -> None:
    """Print a table: one row for each number of workers and each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[20_000])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, os.cpu_count() or 1])
    parser.add_argument("--folder", type=Path, help="where the files go; a temporary folder")
    options = parser.parse_args()
    print("| reports | workers | reports/s | MB | MB, largest worker |")
    print("|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        reports, out = Path(folder) / "reports.csv", Path(folder) / "x.findings.jsonl"
        for rows in options.rows:
            write_reports(reports, rows)
            for workers in options.workers:
                # A new process, so that each row has its own largest resident set.
                context = multiprocessing.get_context("spawn")
                with ProcessPoolExecutor(1, mp_context=context) as alone:
                    done, seconds, own, child = alone.submit(
                        measure, reports, out, workers
                    ).result()
                other = "–" if workers == 1 else f"{child:.0f}"
                print(
                    f"| {done:,} | {workers} | {done / seconds:,.0f} | {own:.0f} | {other} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
