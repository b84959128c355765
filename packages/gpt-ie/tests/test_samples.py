import csv
import importlib.util
import io
import tarfile
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from gpt_ie import samples
from gpt_ie.samples import SampleError, openi_codes, openi_reports, write_openi

# Written for this test in the form of the archive; no text of the real one.
RECORD = (
    '<eCitation><uId id="{name}"/><MedlineCitation><Article><Abstract>'
    '<AbstractText Label="COMPARISON">None.</AbstractText>'
    '<AbstractText Label="FINDINGS">{findings}</AbstractText>'
    '<AbstractText Label="IMPRESSION"/>'
    "</Abstract></Article></MedlineCitation>"
    "<MeSH><major>Lung/hypoinflation</major><major> Nodule/lung </major><major/></MeSH></eCitation>"
)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package folder of the right name with three records, found in place of the real one."""
    folder = tmp_path / "torchxrayvision"
    (folder / "data").mkdir(parents=True)
    with tarfile.open(folder / "data" / "NLMCXR_reports.tgz", "w:gz") as tar:
        for name in ("CXR10", "CXR9", "CXR1"):
            data = RECORD.format(name=name, findings=f"Heart of {name}, normal.").encode()
            info = tarfile.TarInfo(f"ecgen-radiology/{name[3:]}.xml")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    spec = ModuleSpec("torchxrayvision", None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    return folder


@pytest.mark.usefixtures("package")
def test_reports_come_in_order_of_their_number(tmp_path: Path):
    reports = list(openi_reports())
    assert [report.report_id for report in reports] == ["CXR1", "CXR9", "CXR10"]
    assert reports[0].sections == {"findings": "Heart of CXR1, normal.", "impression": ""}
    out = tmp_path / "reports.csv"
    assert write_openi(out) == 3
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert rows[2] == {
        "report_id": "CXR10", "findings": "Heart of CXR10, normal.", "impression": ""
    }  # fmt: skip


@pytest.mark.usefixtures("package")
def test_codes_come_in_the_order_of_the_reports():
    assert list(openi_codes()) == [
        (name, ("Lung/hypoinflation", "Nodule/lung")) for name in ("CXR1", "CXR9", "CXR10")
    ]


@pytest.mark.usefixtures("package")
def test_another_file_of_that_name_is_kept(tmp_path: Path):
    out = tmp_path / "reports.csv"
    write_openi(out)
    assert write_openi(out) == 3
    out.write_text("mine")
    with pytest.raises(SampleError, match="stays as it is"):
        write_openi(out)
    assert out.read_text() == "mine"


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SampleError, match=r"gpt-ie\[openi\]"):
        write_openi(tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()


def test_a_package_without_the_archive_says_so(package: Path):
    (package / "data" / "NLMCXR_reports.tgz").unlink()
    with pytest.raises(SampleError, match=r"NLMCXR_reports\.tgz"):
        list(openi_reports())


def test_a_damaged_archive_says_so(package: Path):
    (package / "data" / "NLMCXR_reports.tgz").write_bytes(b"rubbish")
    with pytest.raises(SampleError, match="reinstall"):
        list(openi_reports())


@pytest.mark.real
def test_the_installed_archive_has_its_reports():
    if importlib.util.find_spec("torchxrayvision") is None:
        pytest.skip("torchxrayvision (extra openi) is not installed")
    reports = list(openi_reports())
    assert len(reports) == 3955
    assert len({report.report_id for report in reports}) == 3955
    assert sum(any(text.strip() for text in r.sections.values()) for r in reports) == 3927
    assert ("report_id", *reports[0].sections) == samples.OPENI_COLUMNS
