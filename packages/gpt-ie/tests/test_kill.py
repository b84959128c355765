"""SIGKILL at random moments, again and again: what stands at the end."""

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from gpt_ie.store import failed_path, journal_path, read_findings

REPORTS = 400
CONCURRENCY = 8

# Each call is noted, past every buffer, before it is made.
SCRIPT = f"""
import asyncio, os, sys
from pathlib import Path
from gpt_ie.pipeline import extract
from gpt_ie.schema import EngineError, Evidence, ExtractedFinding, Report, ReportFindings

folder, kind, workers = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
calls = os.open(folder / "calls", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

class Slow:
    name = key = "slow@1"

    def extract(self, report):
        raise AssertionError

    async def aextract(self, report):
        os.write(calls, f"{{report.report_id}}\\n".encode())
        number = int(report.report_id)
        await asyncio.sleep(0.001 + 0.003 * (number * 7919 % 5))
        if number % 9 == 0:
            raise EngineError("the model gave no answer")
        evidence = Evidence(section="text", start=2, end=8, text="nodule")
        finding = ExtractedFinding(category="nodule", surface="nodule", evidence=evidence)
        return ReportFindings(report_id=report.report_id, engine=self.name, findings=(finding,))

def engine():
    if kind == "slow":
        return Slow()
    from gpt_ie.rules.engine import RulesEngine
    return RulesEngine()

def reports():
    for number in range({REPORTS}):
        yield Report(str(number), {{"text": "A nodule in the left lung." * (1 + number % 7)}})

if __name__ == "__main__":
    extract(
        reports(), engine(), folder / "x.jsonl", concurrency={CONCURRENCY}, workers=workers,
        on_progress=lambda done: os.write(1, b"."),
    )
"""


def run(folder: Path, kind: str, workers: int, dots: int | None, wait: float) -> int:
    """Run the script; kill it after so many reports, or at no time, and after a moment."""
    command = [sys.executable, folder / "script.py", folder, kind, str(workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        if dots is not None:
            process.stdout.read(dots)
            time.sleep(wait)
            process.kill()
        process.stdout.read()
    return process.returncode


@pytest.mark.parametrize(
    ("kind", "workers", "kills"), [("slow", 1, 10), ("rules", 1, 10), ("rules", 2, 3)]
)
def test_killed_again_and_again_nothing_is_lost_or_twice(
    tmp_path: Path, kind: str, workers: int, kills: int
):
    (tmp_path / "script.py").write_text(SCRIPT)
    chance = random.Random(f"{kind}{workers}")
    out, calls = tmp_path / "x.jsonl", tmp_path / "calls"
    done = killed = 0
    while killed < kills:
        # What was done before is taken over, and counts: each kill falls further on, the last
        # ones perhaps while the output is written.
        dots = min(REPORTS, done + chance.randrange(1, 2 * REPORTS // kills))
        code = run(tmp_path, kind, workers, dots, chance.random() * 0.004)
        if code == 0:
            break
        assert code == -signal.SIGKILL
        killed += 1
        if not out.exists():
            lines = journal_path(out).read_bytes().count(b"\n") - 1
            assert lines >= (dots if workers == 1 else done)
            done = dots
    assert run(tmp_path, kind, workers, None, 0) == 0
    assert killed > kills // 2
    good = [record.report_id for record in read_findings(out)]
    bad = [int(number) for number in range(0, REPORTS, 9)] if kind == "slow" else []
    assert good == [str(number) for number in range(REPORTS) if number not in bad]
    if bad:
        failures = failed_path(out).read_text("utf-8").splitlines()
        assert [json.loads(line)["report_id"] for line in failures] == list(map(str, bad))
    if kind == "slow":
        counts = Counter(calls.read_text().split())
        assert set(counts) == set(map(str, range(REPORTS)))
        assert sum(counts.values()) - REPORTS <= killed * CONCURRENCY
    whole = tmp_path / "whole"
    whole.mkdir()
    (whole / "script.py").write_text(SCRIPT)
    assert run(whole, kind, 1, None, 0) == 0
    assert (whole / "x.jsonl").read_bytes() == out.read_bytes()
    left = {"calls", "script.py", "x.jsonl"} | ({"x.failed.jsonl"} if bad else set[str]())
    assert {path.name for path in tmp_path.iterdir()} == left | {"whole"}
