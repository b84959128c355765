"""Gold from codes of our own, from a findings file, and the real sets where they are."""

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import gpt_ie.gold
import pytest
from gpt_ie.gold import (
    NEGBIO_LABELS,
    GoldError,
    gold_of_findings,
    negbio_folder,
    negbio_gold,
    openi_gold,
    openi_gold_reports,
    openi_test_ids,
)
from gpt_ie.schema import ExtractedFinding, Report, ReportFindings
from iki_knowledge import Finding, KnowledgeBase

CODES = {
    "CXR1": ("Pleural Effusion/right/small", "Aorta/tortuous"),
    "CXR2": ("normal",),
    "CXR3": ("No Indexing",),
    "CXR4": ("normal",),
    "CXR5": ("Technical Quality of Image Unsatisfactory ", "Heart/obscured"),
    "CXR6": ("Cardiomegaly/mild",),
}


@pytest.fixture
def openi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Six made-up reports, the fourth without text and the sixth for testing; the data root."""

    def reports() -> Iterator[Report]:
        for name in CODES:
            yield Report(name, {"findings": " \n" if name == "CXR4" else "Made up.", "x": ""})

    monkeypatch.setattr(gpt_ie.gold, "openi_codes", lambda: iter(CODES.items()))
    monkeypatch.setattr(gpt_ie.gold, "openi_reports", reports)
    (tmp_path / "openi_negbio").mkdir()
    (tmp_path / "openi_negbio" / "openi-testset.txt").write_text("CXR6\nCXR999\n")
    return tmp_path


def test_codes_become_findings_and_what_says_nothing_is_left_out(openi: Path, kb: KnowledgeBase):
    gold = openi_gold(kb, "dev", openi)
    assert dict(gold.findings) == {
        "CXR1": (
            Finding(category="pleural_effusion", severity="small", side="right"),
            Finding(category="tortuous_aorta"),
        ),
        "CXR2": (),
        "CXR5": (),
    }
    assert gold.normal == {"CXR2"}
    assert gold.unread == {"Heart/obscured": 1}
    assert not gold.states_absent
    assert gold.scope is not None
    assert "pleural_effusion" in gold.scope
    assert "goiter" not in gold.scope
    assert [report.report_id for report in openi_gold_reports(gold)] == ["CXR1", "CXR2", "CXR5"]


@pytest.mark.parametrize(
    ("codes", "categories"),
    [
        # A nodule and a calcification of one place are one calcified nodule.
        (("Nodule/lung/base/left", "Calcinosis/lung/base/left"), ["granuloma"]),
        (("Calcinosis/lung/right", "Density/lung/right/round/multiple"), ["granuloma"]),
        (("Nodule/lung/base/left", "Calcinosis/lung/base/right"), ["nodule", "calcification"]),
        (("Opacity/lung/right", "Calcinosis/lung/right"), ["lung_opacity", "calcification"]),
        (("Nodule/lung/right", "Calcinosis/aorta"), ["nodule", "aortic_calcification"]),
        # Bronchovascular markings that are neither prominent nor thick are crowded ones.
        (("Markings/bronchovascular/mild",), ["low_lung_volumes"]),
        (("Markings/bronchovascular/prominent",), ["interstitial_markings"]),
        (("Markings/lung/interstitial",), ["interstitial_markings"]),
    ],
)
def test_codes_are_read_together(
    openi: Path,
    kb: KnowledgeBase,
    monkeypatch: pytest.MonkeyPatch,
    codes: tuple[str, ...],
    categories: list[str],
):
    monkeypatch.setattr(gpt_ie.gold, "openi_codes", lambda: iter([("CXR1", codes)]))
    found = openi_gold(kb, "dev", openi).findings["CXR1"]
    assert [finding.category for finding in found] == categories


def test_the_test_split_holds_only_its_ids(openi: Path, kb: KnowledgeBase):
    assert openi_gold(kb, "test", openi).findings.keys() == {"CXR6"}


def test_an_unknown_split_names_those_that_exist(openi: Path, kb: KnowledgeBase):
    with pytest.raises(GoldError, match=r"'train'; there are dev, test"):
        openi_gold(kb, "train", openi)  # pyright: ignore[reportArgumentType]


def test_a_findings_file_as_gold():
    def record(name: str, *presences: str) -> ReportFindings:
        found = tuple(
            ExtractedFinding(category="mass", presence=p, surface="mass", evidence=None)  # pyright: ignore[reportArgumentType]
            for p in presences
        )
        return ReportFindings(report_id=name, engine="person", findings=found)

    gold = gold_of_findings([record("a", "present"), record("b", "absent"), record("c")], "mine")
    assert gold.normal == {"b", "c"}
    assert gold.states_absent
    assert gold.scope is None
    with pytest.raises(GoldError, match="'a' comes twice"):
        gold_of_findings([record("a"), record("a")], "mine")
    with pytest.raises(GoldError, match="no report"):
        gold_of_findings([], "mine")


def test_negbio_labels_by_name_of_column(tmp_path: Path):
    names = list(reversed(NEGBIO_LABELS))
    row = ["1" if name in {"Mass", "Hernia"} else "0" for name in names]
    table = [",".join(["filename", *names]), ",".join(["CXR1", *row]), "CXR2" + ",0" * 14]
    (tmp_path / "openi_gld_std14.csv").write_text("\n".join(table))
    assert negbio_gold(tmp_path) == {"CXR1": {"Mass", "Hernia"}, "CXR2": frozenset()}
    (tmp_path / "openi_gld_std14.csv").write_text("filename,Mass\nCXR1,1\n")
    with pytest.raises(GoldError, match=r"no column 'Atelectasis', 'Cardiomegaly'"):
        negbio_gold(tmp_path)


def test_missing_data_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MEDFILIP_DATA", raising=False)
    with pytest.raises(GoldError, match="set MEDFILIP_DATA"):
        openi_test_ids()
    monkeypatch.setenv("MEDFILIP_DATA", str(tmp_path))
    assert negbio_folder() == tmp_path / "openi_negbio"
    with pytest.raises(GoldError, match="NegBio project"):
        openi_test_ids()
    (tmp_path / "openi_negbio").mkdir()
    (tmp_path / "openi_negbio" / "openi-testset.txt").write_bytes(b"CXR1\xff")
    with pytest.raises(GoldError, match="byte 4 is not UTF-8"):
        openi_test_ids()


@pytest.mark.real
@pytest.mark.usefixtures("read_once")
def test_the_real_sets(kb: KnowledgeBase):
    root = os.environ.get("MEDFILIP_DATA")
    if root is None or not (Path(root) / "openi_negbio").is_dir():
        pytest.skip("MEDFILIP_DATA with openi_negbio/ is not there")
    if importlib.util.find_spec("torchxrayvision") is None:
        pytest.skip("torchxrayvision (extra openi) is not installed")
    gold, test = openi_gold(kb, "dev"), openi_test_ids()
    assert len(test) == 771
    assert len(gold.findings) == 3080
    assert not gold.findings.keys() & test
    assert len(gold.normal) == 1085
    assert all(gold.findings[name] == () for name in gold.normal)
    assert negbio_gold(negbio_folder()).keys() >= test
