import importlib.util
from pathlib import Path

import pytest
from gpt_ie.pipeline import misplaced
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.rules.merge import merge
from gpt_ie.schema import ExtractedFinding, Report
from hypothesis import given, settings
from hypothesis import strategies as st
from iki_knowledge import KnowledgeBase

_spec = importlib.util.spec_from_file_location("grammar", Path(__file__).with_name("grammar.py"))
assert _spec is not None
assert _spec.loader is not None
_grammar = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_grammar)
GRAMMAR: tuple[tuple[str, tuple[str, ...]], ...] = _grammar.GRAMMAR

MARKS = {"present": "+", "absent": "-", "uncertain": "?"}
# Words that mean something to the rules, so that random texts reach deep into them.
VOCABULARY = """
    no not without may represent possible effusion pneumothorax heart lungs enlarged normal clear
    small moderate left right base lobe upper and or , . ; : ( ) ? is are seen resolved has there
    in the of with XXXX stable unchanged no-change-in atelectasis consolidation bibasilar both
    cannot be excluded versus but evaluate for history 1. FINDINGS: INDICATION: nodule minor
    fissure İ ß ﬁ é 肺
"""
WORDS = st.sampled_from([*VOCABULARY.split(), "\n\n"])


def written(finding: ExtractedFinding) -> str:
    slots = (finding.severity, finding.side, finding.region, finding.trend)
    return " ".join([finding.category + MARKS[finding.presence], *filter(None, slots)])


@pytest.mark.parametrize(("text", "findings"), GRAMMAR, ids=[text for text, _ in GRAMMAR])
def test_grammar(engine: RulesEngine, text: str, findings: tuple[str, ...]):
    result = engine.extract(Report("r", {"text": text}))
    assert tuple(map(written, result.findings)) == findings


def test_the_table_is_long_enough():
    assert len(GRAMMAR) >= 80


def test_the_readme_of_the_format(engine: RulesEngine):
    text = "Small right pleural effusion at the base. No pneumothorax."
    result = engine.extract(Report("r1", {"findings": text, "impression": "Effusion."}))
    assert list(map(written, result.findings)) == [
        "pleural_effusion+ small right base", "pneumothorax-"
    ]  # fmt: skip
    first = result.findings[0]
    assert first.surface == "pleural effusion"
    assert first.evidence.model_dump() == {
        "section": "findings", "start": 0, "end": 40, "text": text[:40]
    }  # fmt: skip
    assert result.engine == engine.name == "rules@0.1.0"


def test_the_indication_is_not_read(engine: RulesEngine):
    text = "INDICATION: pneumonia\nFINDINGS: Mild edema.\nIMPRESSION: Edema."
    result = engine.extract(Report("r", {"text": text}))
    assert list(map(written, result.findings)) == ["pulmonary_edema+ mild"]


@settings(deadline=None, max_examples=300)
@given(text=st.lists(WORDS, max_size=30).map(" ".join) | st.text(max_size=80))
def test_on_any_text_evidence_is_verbatim_and_slots_are_of_the_dictionary(
    text: str, engine: RulesEngine, kb: KnowledgeBase
):
    report = Report("r", {"findings": text, "impression": text[::-1]})
    result = engine.extract(report)
    assert misplaced(report, result) is None
    assert merge(result.findings) == result.findings
    for finding in result.findings:
        assert finding.category in kb
        assert finding.severity is None or finding.severity in kb.vocabulary.severities
        assert finding.region is None or finding.region in kb.vocabulary.regions
        assert finding.surface in finding.evidence.text
        assert "" not in (finding.surface, finding.evidence.text)


@settings(deadline=None, max_examples=100)
@given(text=st.lists(WORDS, max_size=30).map(" ".join))
def test_removed_words_and_case_change_nothing(text: str, engine: RulesEngine):
    words = text.split(" ")
    marked = " ".join(
        word for pair in zip(words, ["XXXX"] * len(words), strict=True) for word in pair
    )
    plain = " ".join(word for word in words if word != "XXXX")

    def found(of: str) -> list[str]:
        return [written(item) for item in engine.extract(Report("r", {"text": of})).findings]

    # Between a full stop and the next word a removed word may stand for one, so stops are left out.
    if not set(".?:\n1") & set(text):
        assert found(marked) == found(plain)
        assert found(plain.lower()) == found(plain.upper()) or not plain.isascii()


def test_a_sentence_read_before_is_found_where_it_stands_now():
    engine = RulesEngine()
    texts = (
        "Small left effusion.",
        "Heart is large. Small left effusion.",
        "\n\nSmall left effusion.",
    )
    for number, text in enumerate(texts):
        report = Report(str(number), {"findings": text})
        result = engine.extract(report)
        assert result == RulesEngine().extract(report)
        effusion = next(f for f in result.findings if f.category == "pleural_effusion")
        assert effusion.evidence is not None
        assert effusion.evidence.start == text.index("Small")
        assert misplaced(report, result) is None


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gpt_ie.rules.engine._REMEMBERED", 3)
    engine = RulesEngine()
    for number in range(10):
        text = f"Nodule of {number} mm."
        assert len(engine.extract(Report("a", {"text": text})).findings) == 1
        assert len(engine._read) <= 3
