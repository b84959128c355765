import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from gpt_ie.ray_run import RayError, extract_on_ray
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.schema import Report

# In a process of its own: what Ray starts ends with it, and its sockets are not ours to forbid.
SCRIPT = """
import asyncio, logging, sys
from pathlib import Path
from gpt_ie.pipeline import extract
from gpt_ie.ray_run import extract_on_ray
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.schema import EngineError, EngineUnavailableError, Report, ReportFindings
from gpt_ie.store import failed_path
import ray

class Waiting:
    name = key = "waiting@1"
    gives_up_on = None

    async def aextract(self, report):
        await asyncio.sleep(0.001)
        if report.report_id == self.gives_up_on:
            raise EngineUnavailableError("no more")
        if report.report_id == "7":
            raise EngineError("no answer")
        return ReportFindings(report_id=report.report_id, engine=self.name)

texts = ["Small left effusion.", "", "No pneumothorax.", "Heart size is normal."]
reports = [Report(str(n), {"text": texts[n % 4]}, n + 2) for n in range(300)]
one, two = (Path(sys.argv[1]) / name for name in ("one.jsonl", "two.jsonl"))
ray.init(
    address="local", num_cpus=2, include_dashboard=False, object_store_memory=100 * 2**20,
    _node_ip_address="127.0.0.1", logging_level=logging.ERROR, log_to_driver=False,
)
for engine in (RulesEngine(), Waiting()):
    first = extract(reports, engine, one)
    second = extract_on_ray(reports, engine, two, workers=2)
    assert first.findings == second.findings and first.by_category == second.by_category
    assert one.read_bytes() == two.read_bytes()
    assert failed_path(one).read_bytes() == failed_path(two).read_bytes()
engine.gives_up_on = "200"
three = two.with_name("three.jsonl")
stopped = extract_on_ray(reports, engine, three)
assert stopped.stopped == "no more" and not three.exists()
assert extract(reports, Waiting(), three).resumed == stopped.reports
assert three.read_bytes() == one.read_bytes()
print("same")
"""


@pytest.mark.slow
def test_two_workers_write_the_bytes_of_one_process(tmp_path: Path):
    if importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed: the extra gpt-ie[ray]")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    # No token of the user's own, and none written to the home folder.
    environment = os.environ | {
        "RAY_AUTH_MODE": "disabled",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    done = subprocess.run(
        [sys.executable, script, tmp_path],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.endswith("same\n")


def test_without_ray_it_says_how_to_get_it(
    tmp_path: Path, engine: RulesEngine, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setitem(sys.modules, "ray.data", None)
    with pytest.raises(RayError, match=r"gpt-ie\[ray\]"):
        extract_on_ray([Report("a", {"text": "x"})], engine, tmp_path / "x.jsonl")
    assert list(tmp_path.iterdir()) == []
