import shutil
from pathlib import Path

import pytest
from iki_knowledge import Finding
from medfilip_model.data.folder import load_folder
from medfilip_model.errors import DataError

HEADER = "file,finding_labels,patient_id,split\n"


def manifest(folder: Path, target: Path, text: str) -> Path:
    """A folder with the drawn images and another manifest."""
    shutil.copytree(folder, target)
    (target / "manifest.csv").write_text(text, encoding="utf-8")
    return target


def test_official_labels_become_categories(folder, kb):
    images = load_folder(folder, kb, size=16)
    assert images.pixels.shape == (96, 16, 16)
    assert [s.findings for s in images.samples[:3]] == [
        (Finding(category="pleural_effusion"),),
        (Finding(category="mass"),),
        (),
    ]
    assert images.samples[0].id == "im-000"
    assert len(images.rows("train")) == 64
    assert len(images.rows("valid")) == 32


def test_several_labels_surface_forms_and_quotes(folder, kb, tmp_path):
    text = HEADER + 'im-000.png,"Effusion|pleural fluid|enlarged heart",p,train\n'
    images = load_folder(manifest(folder, tmp_path / "set", text), kb, size=16)
    categories = [f.category for f in images.samples[0].findings]
    assert categories == ["pleural_effusion", "cardiomegaly"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has no column 'file'"),
        ("file,labels\na,b\n", r"has no column 'finding_labels'; it has 'file', 'labels'"),
        (HEADER, r"has a header and no row"),
        (HEADER + "im-000.png,Efusion,p,train\n", r"line 2: finding label 'Efusion'.*'Effusion'"),
        (HEADER + "im-000.png,,p,train\n", r"line 2: finding label ''"),
        (HEADER + "im-000.png,Mass,p,trian\n", r"line 2: split 'trian'; allowed are train"),
        (HEADER + "../x.png,Mass,p,train\n", r"line 2: file '../x.png' is no path inside"),
        (HEADER + ",Mass,p,train\n", r"line 2: file '' is no path"),
        (
            HEADER + "im-000.png,Mass,p,train\nim-001.png,Mass,p,valid\n",
            r"patient 'p' is in both 'train' and 'valid'",
        ),
        (
            HEADER + "im-000.png,Mass,p,train\nim-000.png,Mass,p,train\n",
            r"image id 'im-000' occurs more than once",
        ),
        (HEADER + "x.png,Mass,p,train\n", r"not one of the 1 images .* can be read"),
    ],
)
def test_a_bad_manifest_is_named(folder, kb, tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        load_folder(manifest(folder, tmp_path / "set", text), kb, size=16)


def test_no_manifest_and_no_utf8(folder, kb, tmp_path):
    with pytest.raises(DataError, match=r"a data folder holds manifest\.csv"):
        load_folder(tmp_path, kb, size=16)
    (tmp_path / "manifest.csv").write_bytes(b"file,finding_labels\n\xff,Mass\n")
    with pytest.raises(DataError, match="is not UTF-8"):
        load_folder(tmp_path, kb, size=16)


def test_an_unreadable_image_is_left_out_with_its_sample(folder, kb, tmp_path):
    target = tmp_path / "set"
    shutil.copytree(folder, target)
    (target / "images" / "im-001.png").write_bytes(b"broken")
    images = load_folder(target, kb, size=16)
    assert len(images.samples) == len(images.pixels) == 95
    assert [s.id for s in images.samples[:2]] == ["im-000", "im-002"]
    assert [s.file for s in images.skipped] == ["im-001.png"]


def test_labels_may_come_from_elsewhere(folder, kb, tmp_path):
    target = manifest(folder, tmp_path / "set", "file\nim-000.png\n")
    images = load_folder(target, kb, size=16, need_labels=False)
    assert images.samples[0].findings is None
    assert images.samples[0].patient_id == "im-000"


def test_the_official_split_is_divided_by_patient(folder, kb, tmp_path):
    rows = [
        f"im-{n:03}.png,Mass,p{n % 40},{'test' if n % 40 < 10 else 'train_val'},train\n"
        for n in range(96)
    ]
    text = "file,finding_labels,patient_id,official_split,repo_split\n" + "".join(rows)
    images = load_folder(manifest(folder, tmp_path / "set", text), kb, size=16)
    assert {s.patient_id for s in images.samples if s.split == "test"} == {
        f"p{n}" for n in range(10)
    }
    assert 0 < len(images.rows("valid")) < len(images.rows("train"))


def test_without_a_split_a_hash_of_the_patient_decides(folder, kb, tmp_path):
    rows = [f"im-{n:03}.png,Mass,p{n}\n" for n in range(96)]
    text = "file,finding_labels,patient_id\n" + "".join(rows)
    images = load_folder(manifest(folder, tmp_path / "set", text), kb, size=16)
    counts = {split: len(images.rows(split)) for split in ("train", "valid", "test")}
    assert 55 <= counts["train"] <= 80
    assert min(counts.values()) >= 5


def test_study_view_and_report_are_read_where_they_are(folder, kb, tmp_path):
    text = (
        "file,finding_labels,study_id,view,report\n"
        'im-000.png,Mass,s1,PA,"A mass, on the left."\nim-001.png,Mass,,,\n'
    )
    first, second = load_folder(manifest(folder, tmp_path / "set", text), kb, size=16).samples
    assert (first.study_id, first.view, first.report) == ("s1", "PA", "A mass, on the left.")
    assert (second.study_id, second.view, second.report) == (None, None, None)
