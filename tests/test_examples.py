"""The examples run as they stand."""

import subprocess
import sysconfig
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def test_a_model_of_a_strangers_own_is_measured(tmp_path):
    source = (EXAMPLES / "own_model.py").read_text(encoding="utf-8")
    lines = [line for line in source.splitlines() if line.strip()]
    assert len(lines) < 20
    (tmp_path / "own_model.py").write_text(source, encoding="utf-8")
    done = subprocess.run(
        [Path(sysconfig.get_path("scripts")) / "medfilip-bench", "all", "--model", "own_model:load",
         "--n", "20", "--task", "zero_shot-rsna-phantom"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (record,) = (tmp_path / "results").glob("*/zero_shot-rsna-phantom.json")
    assert record.parent.name == "own_model-load"
    assert (tmp_path / "results" / "report.html").is_file()
