"""Shared by the tests: the packaged dictionary, the engine, and files made from rows."""

import csv
import functools
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from gpt_ie import samples
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.rules.lexicon import Lexicon, build_lexicon
from iki_knowledge import KnowledgeBase, load_knowledge

GOOD = {
    "findings": [
        {
            "category": "pleural effusion", "severity": "small", "location": "left",
            "presence": "present", "trend": None, "evidence": "small left pleural effusion",
        },
        {
            "category": "pneumothorax", "severity": None, "location": None, "presence": "absent",
            "trend": None, "evidence": "No pneumothorax",
        },
    ]
}  # fmt: skip


@pytest.fixture(scope="session")
def kb() -> KnowledgeBase:
    return load_knowledge()


@pytest.fixture(scope="session")
def lexicon(kb: KnowledgeBase) -> Lexicon:
    return build_lexicon(kb)


@pytest.fixture(scope="session")
def engine() -> RulesEngine:
    return RulesEngine()


@pytest.fixture(scope="module")
def openi_records() -> Callable[[], object]:
    """The reading of the Open-i archive, which takes seconds, done once."""
    return functools.cache(samples._openi_records)


@pytest.fixture
def read_once(openi_records: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reads the Open-i archive again and again, or after others of its file."""
    monkeypatch.setattr(samples, "_openi_records", openi_records)


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """Write rows as a CSV with a header."""

    def write(
        rows: Sequence[Sequence[str]],
        header: Sequence[str] = ("report_id", "findings", "impression"),
        name: str = "reports.csv",
    ) -> Path:
        path = tmp_path / name
        with path.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(header)
            writer.writerows(rows)
        return path

    return write


@pytest.fixture(scope="session")
def loopback() -> ModuleType:
    name = "gpt_ie_loopback"
    path = Path(__file__).parents[1] / "benchmarks" / "loopback.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def good() -> str:
    return json.dumps(GOOD)


@pytest.fixture
def serve(loopback: ModuleType) -> Iterator[Callable[..., Any]]:
    """Start a server from a list of acts (the last one repeats) or a script."""
    with ExitStack() as stack:

        def start(acts: Any) -> Any:
            def script(_: dict[str, Any], number: int) -> Any:
                return acts[min(number, len(acts) - 1)]

            server = loopback.LoopbackServer(acts if callable(acts) else script)
            return stack.enter_context(server)

        yield start
