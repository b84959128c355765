"""Memory and time of reading a million reports.

    uv run python packages/gpt-ie/benchmarks/memory.py
    uv run python packages/gpt-ie/benchmarks/memory.py --rows 200000 --format parquet

Writes synthetic reports to a temporary folder, streams them in a process of its own through
`read_reports`, gives every 50th to the rules, and prints the peak of that process's resident
memory. `--format txt` writes a folder of as many files.
"""

import argparse
import csv
import gzip
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from gpt_ie.readers import read_reports
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.schema import Report

EVERY = 50
_SIZES = ("Small", "Moderate", "Large", "Tiny")
_SIDES = ("right", "left", "bilateral")
_FINDINGS = ("pleural effusion", "pneumothorax", "opacity", "consolidation", "nodule")


def rows(count: int) -> Iterator[tuple[str, str, str]]:
    """Id, findings and impression of synthetic reports, of the length of real ones.

    Args:
        count: How many.

    Yields:
        One report after the other, the same at each call.
    """
    words = itertools.cycle(itertools.product(_SIZES, _SIDES, _FINDINGS))
    for number, (size, side, finding) in zip(range(count), words, strict=False):
        yield (
            f"r{number:07d}",
            f"PA and lateral views of the chest, number {number}. {size} {side} {finding}. "
            "The heart is not enlarged.\nThe mediastinal contour is within normal limits. "
            "No other focal airspace disease. Degenerative changes of the thoracic spine. "
            "There has been no interval change in the position of the right central line.",
            f"{size} {side} {finding}. Otherwise no acute cardiopulmonary abnormality.",
        )


def write_csv(folder: Path, count: int) -> Path:
    """Write a CSV."""
    path = folder / "reports.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("report_id", "findings", "impression"))
        writer.writerows(rows(count))
    return path


def write_jsonl_gz(folder: Path, count: int) -> Path:
    """Write a packed JSONL."""
    path = folder / "reports.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=1) as stream:
        for report_id, findings, impression in rows(count):
            row = {"report_id": report_id, "findings": findings, "impression": impression}
            stream.write(f"{json.dumps(row)}\n")
    return path


def write_parquet(folder: Path, count: int) -> Path:
    """Write a Parquet file with row groups of 100,000."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = folder / "reports.parquet"
    names = ("report_id", "findings", "impression")
    schema = pa.schema([(name, pa.string()) for name in names])
    source = rows(count)
    with pq.ParquetWriter(path, schema) as writer:
        while chunk := list(itertools.islice(source, 100_000)):
            columns = dict(zip(names, map(list, zip(*chunk, strict=True)), strict=True))
            writer.write_table(pa.table(columns, schema=schema))
    return path


def write_txt(folder: Path, count: int) -> Path:
    """Write a folder of ``.txt``, a thousand to a folder in it."""
    top = folder / "reports"
    for number, (report_id, findings, impression) in enumerate(rows(count)):
        path = top / f"{number // 1000:04d}" / f"{report_id}.txt"
        if number % 1000 == 0:
            path.parent.mkdir(parents=True)
        path.write_text(f"FINDINGS: {findings}\nIMPRESSION: {impression}\n", encoding="utf-8")
    return top


WRITERS: Mapping[str, Callable[[Path, int], Path]] = {
    "csv": write_csv,
    "jsonl.gz": write_jsonl_gz,
    "parquet": write_parquet,
    "txt": write_txt,
}


def stream(path: Path) -> dict[str, float]:
    """Read all reports of a path, extract from every 50th, and measure this process.

    Args:
        path: As for `read_reports`.

    Returns:
        Reports, findings, seconds, and the resident memory in MiB before the first report and at
        its peak.
    """
    engine = RulesEngine()
    engine.extract(Report("warm", {"text": "Small right pleural effusion."}))
    before = peak()
    begin = time.perf_counter()
    reports = findings = 0
    for report in read_reports(path):
        if isinstance(report, Report) and reports % EVERY == 0:
            findings += len(engine.extract(report).findings)
        reports += 1
    return {
        "reports": reports,
        "findings": findings,
        "seconds": time.perf_counter() - begin,
        "before": before,
        "peak": peak(),
    }


def peak() -> float:
    """Peak of this process's resident memory, MiB."""
    status = Path("/proc/self/status")
    if status.exists():
        # Unlike the usage below, this does not count what the parent held when it started us.
        return int(status.read_text(encoding="ascii").split("VmHWM:")[1].split()[0]) / 2**10
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    """Write, stream in another process, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--format", choices=[*WRITERS, "all"], default="csv")
    parser.add_argument("--stream", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stream is not None:
        sys.stdout.write(json.dumps(stream(options.stream)))
        return
    sys.stdout.write("format    reports    reports/s  resident before  peak\n")
    for name in WRITERS if options.format == "all" else [options.format]:
        with tempfile.TemporaryDirectory(prefix="gpt-ie-memory-") as folder:
            path = WRITERS[name](Path(folder), options.rows)
            done = subprocess.run(
                [sys.executable, __file__, "--stream", str(path)], capture_output=True, check=True
            )
        seen = json.loads(done.stdout)
        sys.stdout.write(
            f"{name:8}  {seen['reports']:9,}  {seen['reports'] / seen['seconds']:9,.0f}  "
            f"{seen['before']:11.0f} MiB  {seen['peak']:.0f} MiB\n"
        )


if __name__ == "__main__":
    main()
