"""Shared by the tests: the packaged dictionary, the engine, and files made from rows."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.rules.lexicon import Lexicon, build_lexicon
from iki_knowledge import KnowledgeBase, load_knowledge


@pytest.fixture(scope="session")
def kb() -> KnowledgeBase:
    return load_knowledge()


@pytest.fixture(scope="session")
def lexicon(kb: KnowledgeBase) -> Lexicon:
    return build_lexicon(kb)


@pytest.fixture(scope="session")
def engine() -> RulesEngine:
    return RulesEngine()


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
