"""A server that fails three calls of ten in every way: are all good reports done?

    uv run python packages/gpt-ie/benchmarks/llm_faults.py

429 (half of them with Retry-After), 500, truncated JSON, invalid fields, a broken connection
and a call that hangs, drawn for each call from a fixed seed. One report in fifty is refused always
(HTTP 422): it must end in the file of failures, and nothing else.
"""

import argparse
import random
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from gpt_ie.llm.engine import LLMEngine
from gpt_ie.pipeline import extract
from gpt_ie.schema import Report
from llm_concurrency import ANSWER, TEXT
from loopback import Act, LoopbackServer

SHARE = 0.3
POISON = "POISON"
FAULTS = {
    "429": Act(kind="status", status=429),
    "429 with Retry-After": Act(kind="status", status=429, headers={"retry-after": "1"}),
    "500": Act(kind="status", status=500),
    "truncated JSON": Act(text=ANSWER[: len(ANSWER) // 2]),
    "invalid fields": Act(text=ANSWER.replace('"present"', '"perhaps"')),
    "broken off": Act(kind="drop", text=ANSWER),
    "hanging": Act(kind="hang"),
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="A server that fails 30 % of its calls.")
    parser.add_argument("--reports", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=64)
    options = parser.parse_args()
    drawn = random.Random(1)
    counts: Counter[str] = Counter()
    lock = threading.Lock()

    def script(body: dict[str, Any], _number: int) -> Act:
        with lock:
            if POISON in body["messages"][1]["content"]:
                counts["refused"] += 1
                return Act(kind="status", status=422)
            if drawn.random() >= SHARE:
                counts["answered"] += 1
                return Act(text=ANSWER, delay=0.05)
            name = drawn.choice(list(FAULTS))
            counts[name] += 1
            return FAULTS[name]

    reports = [
        Report(str(n), {"findings": TEXT + (f" {POISON}" if n % 50 == 0 else "")})
        for n in range(options.reports)
    ]
    poisoned = sum(POISON in report.sections["findings"] for report in reports)
    begin = time.perf_counter()
    with LoopbackServer(script) as server, tempfile.TemporaryDirectory() as folder:
        engine = LLMEngine(
            "loopback", base_url=server.url, concurrency=options.concurrency, timeout=3.0
        )
        summary = extract(
            reports, engine, Path(folder) / "out.findings.jsonl", concurrency=options.concurrency
        )
        engine.close()
    good = options.reports - poisoned
    done = summary.reports - summary.failed
    print(
        "| reports | good | good done | refused always | failed | calls | failed calls | seconds |"
    )
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    calls = counts.total() - counts["refused"]
    faults = 1 - counts["answered"] / calls
    print(
        f"| {summary.reports:,} | {good:,} | {done:,} | {poisoned} | {summary.failed} | "
        f"{counts.total():,} | {faults:.1%} | {time.perf_counter() - begin:.0f} |"
    )
    print("\n" + ", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
