import numpy as np
import pytest
from gpt_ie import Report, ReportFindings, RulesEngine
from medfilip_app.check import check_report, judge_reports
from medfilip_app.loaded import Loaded

PIXELS = np.full((32, 32), 51, np.uint8)


@pytest.mark.usefixtures("foresee")
def test_each_finding_gets_its_verdict_with_the_words_that_it_rests_on(loaded: Loaded):
    text = "HISTORY: Mass. FINDINGS: Small left effusion. No pneumothorax. Possible nodule."
    check = check_report(loaded, PIXELS, Report("r1", {"text": text}))
    assert (check.report_id, check.engine) == ("r1", RulesEngine(loaded.kb).name)
    told = [(one.finding.category, one.judgement.verdict) for one in check.statements]
    assert told == [
        ("pleural_effusion", "contradicted"),
        ("pneumothorax", "supported"),
        ("nodule", "undecided"),
    ]
    for one in check.statements:
        evidence = one.finding.evidence
        assert evidence is not None
        assert evidence.text == text[evidence.start : evidence.end]
        assert one.judgement.finding.category == one.finding.category
    assert check.omissions == ()


@pytest.mark.usefixtures("foresee")
def test_another_engine_may_read_the_report(loaded: Loaded):
    class Nothing:
        name = key = "nothing@1"

        def extract(self, report: Report) -> ReportFindings:
            return ReportFindings(report_id=report.report_id, engine=self.name)

    check = check_report(loaded, PIXELS, Report("r1", {"text": "A mass."}), engine=Nothing())
    assert (check.engine, check.statements) == ("nothing@1", ())


@pytest.mark.usefixtures("foresee")
def test_many_reports_are_judged_each_by_its_own_image(loaded: Loaded):
    engine = RulesEngine(loaded.kb)
    read = [
        engine.extract(Report(name, {"text": text}))
        for name, text in (("dark", "A mass."), ("bright", "Small left effusion."))
    ]
    dark, bright = judge_reports(loaded, np.stack([PIXELS, PIXELS * 4]), read)
    assert (dark.report_id, bright.report_id) == ("dark", "bright")
    assert [one.finding.category for one in dark.statements] == ["mass"]
    assert dark.statements[0].judgement.probability == 0.2
    assert bright.statements[0].judgement.probability == 0.8
    assert (dark.score, bright.score) == (3.0, 3.0)
    assert dark.omissions == ()
    assert [one.category for one in bright.omissions] == ["cardiomegaly"]


@pytest.mark.usefixtures("foresee")
def test_no_report_is_no_check(loaded: Loaded):
    assert judge_reports(loaded, np.zeros((0, 32, 32), np.uint8), []) == ()
