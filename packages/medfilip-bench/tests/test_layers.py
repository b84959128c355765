"""Only the command line prints; the order of imports is held by import-linter."""

import re
from pathlib import Path

import medfilip_bench

ROOT = Path(medfilip_bench.__file__).parent


def test_only_the_command_line_prints():
    for path in ROOT.rglob("*.py"):
        if path.name != "cli.py":
            assert not re.search(r"\bprint\(", path.read_text(encoding="utf-8")), path
