"""The benchmark's arithmetic by hand, and its figures on the ids for tuning where the data is."""

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import pytest
from gpt_ie.evaluate import score
from gpt_ie.gold import negbio_gold, openi_gold, openi_gold_reports, openi_test_ids
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.samples import openi_reports
from gpt_ie.schema import Report
from iki_knowledge import KnowledgeBase

FOLDER = Path(__file__).parents[1] / "benchmarks"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    return load("openi_negbio")


def test_scores_by_hand(benchmark: ModuleType):
    gold = {"1": {"Mass", "Nodule"}, "2": {"Mass"}, "3": set[str]()}
    said = {"1": {"Mass"}, "2": set[str](), "3": {"Mass", "Edema"}}
    scores = benchmark.score(gold, said)
    mass, micro = scores["Mass"], scores["micro"]
    assert (mass.hit, mass.false, mass.missed) == (1, 1, 1)
    assert (mass.precision, mass.recall, mass.f1) == (0.5, 0.5, 0.5)
    assert (micro.hit, micro.false, micro.missed) == (1, 2, 2)
    assert micro.f1 == pytest.approx(1 / 3)
    assert scores["Hernia"].f1 == 0


def test_the_readings_of_a_report(benchmark: ModuleType, engine: RulesEngine):
    report = Report("r", {"text": "Nodular opacity or edema. May be pneumonia. Calcified nodule."})
    plain = benchmark.labels(engine.extract(report), {"present", "uncertain"})
    assert plain == {"Nodule", "Edema", "Pneumonia"}
    assert benchmark.worded_labels(engine, report, coded=False) == plain
    assert benchmark.worded_labels(engine, report, coded=True) == {"Nodule", "Edema"}
    hernia = Report("r", {"text": "Hiatal hernia. Nodular opacity."})
    assert benchmark.worded_labels(engine, hernia, coded=False) == frozenset()


@pytest.mark.real
@pytest.mark.usefixtures("read_once")
def test_figures_on_the_ids_for_tuning(benchmark: ModuleType):
    folder = Path(os.environ.get("MEDFILIP_DATA", "")) / "openi_negbio"
    if "MEDFILIP_DATA" not in os.environ or not folder.is_dir():
        pytest.skip("MEDFILIP_DATA with openi_negbio/ is not there")
    if importlib.util.find_spec("torchxrayvision") is None:
        pytest.skip("torchxrayvision (extra openi) is not installed")
    gold, test = negbio_gold(folder), openi_test_ids(folder.parent)
    gold = {name: truth for name, truth in gold.items() if name not in test}
    reports = [report for report in openi_reports() if report.report_id in gold]
    assert len(reports) == 3080
    scores, rate = benchmark.measure(reports, gold)
    micro = {name: one["micro"].f1 for name, one in scores.items()}
    assert micro["any"] >= 0.82
    assert micro["worded"] >= 0.85
    assert micro["coded"] >= 0.92
    assert rate > 200


@pytest.mark.real
@pytest.mark.usefixtures("read_once")
def test_triplets_on_the_ids_for_tuning(kb: KnowledgeBase, engine: RulesEngine):
    if not (Path(os.environ.get("MEDFILIP_DATA", "no data root")) / "openi_negbio").is_dir():
        pytest.skip("MEDFILIP_DATA with openi_negbio/ is not there")
    if importlib.util.find_spec("torchxrayvision") is None:
        pytest.skip("torchxrayvision (extra openi) is not installed")
    gold = openi_gold(kb, "dev")
    records = [engine.extract(report) for report in openi_gold_reports(gold)]
    evaluation = score(records, gold, kb=kb, resamples=0)
    rows = load("openi_mesh_triplets").rows(evaluation)
    assert evaluation.missing == 0
    assert rows["category F1, rolled up"].value >= 0.82
    assert rows["triplet F1, relaxed"].value >= 0.75
    assert rows["triplet F1, exact"].value >= 0.62
    assert rows["triplet F1, exact, literal"].value >= 0.52
    assert rows["false positives a normal report"].value <= 0.06
