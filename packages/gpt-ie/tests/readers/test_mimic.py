from pathlib import Path

import pytest
from gpt_ie.readers import ReadError, read_reports
from gpt_ie.schema import Rejected, Report

# Written for this test in the manner of the data set, whose reports may not be copied.
TEXT = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___F with cough  // mass?

 FINDINGS: \n
 No pleural
 effusion.

 IMPRESSION: \n
 Normal.
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "mimic-cxr"
    for name in (
        "p11/p11000001/s50000003",
        "p10/p10000032/s50414267",
        "p10/p10000032/s50000002",
        "p10/p10000764/s50000001",
    ):
        path = top / "files" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT, encoding="utf-8")
    (top / "LICENSE.txt").write_text("No report.", encoding="utf-8")
    (top / "files" / "p10" / "index.txt").write_text("No report.", encoding="utf-8")
    (top / "files" / "p10" / "p10000032" / "note.txt").write_text("No report.", encoding="utf-8")
    # A folder of images beside the report, as in MIMIC-CXR-JPG.
    (top / "files" / "p10" / "p10000032" / "s50414267").mkdir()
    return top


ORDER = ["s50000002", "s50414267", "s50000001", "s50000003"]


@pytest.mark.parametrize("below", ["", "files"])
def test_studies_by_patient(tree: Path, below: str):
    records = list(read_reports(tree / below))
    assert [record.report_id for record in records] == ORDER
    assert records[0] == Report("s50000002", {"text": TEXT})


def test_one_group_has_the_same_ids(tree: Path):
    assert [record.report_id for record in read_reports(tree / "files" / "p10")] == ORDER[:3]


def test_bytes_and_sections(tree: Path):
    told: list[int] = []
    records = list(read_reports(tree, sections=["impression"], on_read=told.append))
    assert told == [len(TEXT) * (place + 1) for place in range(4)]
    (kept,) = {record.sections["text"] for record in records if isinstance(record, Report)}
    assert kept.split() == ["IMPRESSION:", "Normal."]
    assert kept.index("Normal") == TEXT.index("Normal")


def test_links_and_files_that_are_no_text(tree: Path):
    files = tree / "files"
    (files / "p12").symlink_to(files / "p10", target_is_directory=True)
    (files / "p11" / "p11000002").symlink_to(files, target_is_directory=True)
    (files / "p10" / "p10000032" / "s1.txt").symlink_to(tree / "LICENSE.txt")
    (files / "p10" / "p10000764" / "s50000001.txt").write_bytes(b"\xff\xfe\0")
    rejected = [record for record in read_reports(tree) if isinstance(record, Rejected)]
    assert [record.report_id for record in rejected] == [
        "s1", "s50000001", "p11/p11000002", "p12",
    ]  # fmt: skip
    assert "UTF-16" in rejected[1].reason
    assert all("symbolic link" in rejected[place].reason for place in (0, 2, 3))


def test_a_tree_without_reports(tmp_path: Path):
    (tmp_path / "files" / "p10" / "p10000032" / "s50414267").mkdir(parents=True)
    with pytest.raises(ReadError, match="MIMIC-CXR tree without reports"):
        read_reports(tmp_path)


def test_columns_are_for_tables(tree: Path):
    with pytest.raises(ReadError, match="leave out --id"):
        read_reports(tree, id_column="study_id")


def test_other_folders_of_such_names_are_plain_folders(tmp_path: Path):
    (tmp_path / "p10").mkdir()
    (tmp_path / "p10" / "x.txt").write_text("Mass.", encoding="utf-8")
    assert list(read_reports(tmp_path)) == [Report("p10/x", {"text": "Mass."})]
