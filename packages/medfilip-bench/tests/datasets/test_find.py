"""Data sets are found by name or label file; manifest folders are sets of their own."""

import numpy as np
import pytest
from medfilip_bench.datasets import COMMON, READERS, find, read
from medfilip_bench.datasets.check import inventory, lines, state, to_tree
from medfilip_bench.datasets.labelled import Box, Subject
from medfilip_bench.datasets.manifest import reader
from medfilip_bench.errors import DataError, UnknownNameError
from medfilip_model.data import load_folder

RSNA = "patientId,x,y,width,height,Target"
NIH = "file,image_index,finding_labels,patient_id,age,sex,view,official_split"


@pytest.fixture
def nih(tmp_path, write, image):
    """A root with one NIH folder of a test and two training images."""
    folder = tmp_path / "nih cxr-2"
    rows = [
        "a.jpg,a.png,Pneumonia|Infiltration,1,42,M,PA,test",
        "b.jpg,b.png,No Finding,2,60,F,AP,train_val",
        "c.jpg,c.png,Mass,3,999,,PA,train_val",
    ]
    write(folder / "manifest.csv", NIH, *rows)
    boxes = ["a.png,Infiltrate,256.0,0,256,512", "a.png,Pneumonia,0,0,64,64"]
    write(folder / "bbox_1024px.csv", "image_index,label,x,y,w,h", *boxes)
    for number, name in enumerate("abc"):
        image(folder / "images" / f"{name}.jpg", number)
    return tmp_path


def found(root):
    return {reader.card.id: folder.name for reader, folder in find(root)}


def test_a_manifest_folder_is_a_set_of_its_own(nih, options):
    assert found(nih) == {"nih_cxr_2": "nih cxr-2"}
    data = read("nih_cxr_2", nih, options())
    assert [c.name for c in data.classes] == ["Infiltration", "Mass", "Pneumonia"]
    row = data.rows("test")[0]
    assert data.labels[row].tolist() == [1, 0, 1]
    assert data.boxes == {
        "a": (Box("infiltration", 0.25, 0.0, 0.25, 0.5), Box("pneumonia", 0.0, 0.0, 0.0625, 0.0625))
    }
    told = dict(zip((s.id for s in data.images.samples), data.subjects, strict=True))
    assert told == {
        "a": Subject("M", 42.0, "PA"),
        "b": Subject("F", 60.0, "AP"),
        "c": Subject(None, None, "PA"),
    }
    assert data.card.pictures, "its file names are NIH's, whose images may be shown"
    assert "Wang X" in data.card.citation


def test_it_is_read_as_load_folder_reads_it(nih, options, kb):
    folder = nih / "nih cxr-2"
    data, plain = read("nih_cxr_2", nih, options()), load_folder(folder, kb, size=32)
    place = {s.id: n for n, s in enumerate(data.images.samples)}
    for row, sample in enumerate(plain.samples):
        mine = data.images.samples[place[sample.id]]
        assert (mine.split, mine.patient_id, mine.findings) == (
            sample.split,
            sample.patient_id,
            sample.findings,
        )
        np.testing.assert_array_equal(data.images.pixels[place[sample.id]], plain.pixels[row])


def test_a_user_s_own_folder_claims_no_one_s_terms(tmp_path, write, image, options):
    folder = tmp_path / "rsna"
    write(folder / "manifest.csv", "file,finding_labels,split", "x.png,rib fracture,test")
    image(folder / "images" / "x.png")
    assert reader(folder, ["rsna"]).card.id == "rsna_folder"
    data = reader(folder).read(folder, options())
    assert [(c.category, c.name) for c in data.classes] == [("rib_fracture", "rib fracture")]
    assert not data.card.pictures
    assert data.card.licence == "not stated in the folder"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("Mass", "Masss", "line 4: finding label 'Masss' is no class"),
        ("train_val", "tran", "split 'tran'; allowed are"),
        ("2,60", "1,60", "patient '1' is in both"),
        ("b.jpg,b.png", "a.jpg,b.png", "image id 'a' occurs more than once"),
    ],
)
def test_a_manifest_with_a_fault_is_refused_with_its_set_s_name(nih, options, old, new, message):
    path = nih / "nih cxr-2" / "manifest.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=f"nih cxr-2: .*{message}"):
        read("nih_cxr_2", nih, options())


def test_sets_are_found_by_their_label_file_or_by_their_name(nih, write):
    write(nih / "whatever" / "inside" / "stage_2_train_labels.csv", RSNA, "a,,,,,0")
    (nih / "SIIM").mkdir()
    assert found(nih) == {"rsna": "whatever", "siim": "SIIM", "nih_cxr_2": "nih cxr-2"}
    assert found(nih / "whatever") == {"rsna": "inside"}
    assert found(nih / "whatever" / "inside") == {"rsna": "inside"}


def test_a_label_file_goes_before_a_name(nih, write):
    (nih / "rsna").mkdir()
    write(nih / "other" / "stage_2_train_labels.csv", RSNA, "a,,,,,0")
    assert found(nih)["rsna"] == "other"


def test_two_tables_of_one_name_are_told_apart_by_their_columns(tmp_path, write):
    write(tmp_path / "one" / "train.csv", "image_id,class_name,class_id,rad_id", "a,b,c,d")
    write(tmp_path / "two" / "train.csv", "Path,Sex,Age,Frontal/Lateral,AP/PA", "a,b,c,d,e")
    write(tmp_path / "two" / "valid.csv", "Path,Sex,Age,Frontal/Lateral,AP/PA", "a,b,c,d,e")
    assert found(tmp_path) == {"vinbigdata": "one", "chexpert": "two", "six_entities": "two"}


def test_prepared_sets_that_share_a_folder_are_told_apart(tmp_path, write):
    for part in ("16", "fg", "multi", "mine"):
        write(tmp_path / "prepared" / part / "dataset.json", f'{{"name": "mimic-{part}"}}')
    names = {"mimic_16", "mimic_fg", "mimic_multi", "six_entities"}
    assert found(tmp_path) == dict.fromkeys(names, "prepared")
    assert set(found(tmp_path / "prepared")) == names
    assert found(tmp_path / "prepared")["mimic_fg"] == "fg"
    stock = {entry.card.id: entry for entry in inventory(tmp_path)}
    assert stock["mimic_multi"].folder == tmp_path / "prepared" / "multi"
    assert "format" in stock["mimic_multi"].wrong[0]


def test_a_set_that_is_not_there_says_how_to_get_it(nih, options):
    with pytest.raises(DataError, match=r"RSNA Pneumonia.* is not under .*; to get it: a Kaggle"):
        read("rsna", nih, options())
    with pytest.raises(UnknownNameError, match="'nih_cxr_3'; did you mean 'nih_cxr_2'"):
        read("nih_cxr_3", nih, options())
    with pytest.raises(DataError, match="no data folder"):
        find(nih / "nothing")


def test_every_reader_is_pinned():
    assert len(READERS) == 12
    for name, entry in READERS.items():
        card = entry.card
        assert card.id == name
        for words in (card.name, card.source, card.licence, card.access, card.citation):
            assert len(words) > 5
        assert card.layout
        assert card.notes
        assert entry.marker
    assert set(COMMON) < set(READERS)
    # Credentialed images, and those under a challenge's rules, never leave in a report.
    assert {n for n, r in READERS.items() if r.card.pictures} == {"chestxray14", "kermany"}


def test_the_inventory_tells_every_set(nih, write):
    write(nih / "rsna" / "stage_2_train_labels.csv", "patientId,Target", "a,0")
    stock = {entry.card.id: entry for entry in inventory(nih)}
    assert list(stock)[:12] == list(READERS)
    assert list(stock)[12:] == ["nih_cxr_2"]
    assert {name for name, entry in stock.items() if entry.usable} == {"nih_cxr_2"}
    assert state(stock["rsna"]) == "cannot be read"
    assert state(stock["siim"]) == "not found"
    assert stock["nih_cxr_2"].found == ("3 of 3 images (1 train, 1 valid, 1 test)",)
    told = list(lines(tuple(stock.values())))
    wrong = "  wrong: stage_2_train_labels.csv has no column 'x'; it has 'patientId', 'Target': it "
    assert f"{wrong}is a label file of another version" in told
    assert "siim: SIIM-ACR Pneumothorax Segmentation: not found" in told
    assert any(line.startswith("  to get it: a credentialed PhysioNet account") for line in told)
    assert told[-1] == "1 of 13 data sets can be read, 1 with something wrong"
    tree = {entry["id"]: entry for entry in to_tree(tuple(stock.values()))}
    assert tree["nih_cxr_2"]["state"] == "can be read"
    assert tree["siim"]["folder"] is None
    assert tree["siim"]["expected"]


def test_an_empty_manifest_is_wrong_and_stops_no_other_check(nih, write):
    write(nih / "empty" / "manifest.csv", "file,finding_labels")
    stock = {entry.card.id: entry for entry in inventory(nih)}
    assert "has a header and no row" in stock["empty"].wrong[0]
    assert stock["nih_cxr_2"].usable


def test_half_a_set_can_be_read_in_part_and_says_so(nih):
    (nih / "nih cxr-2" / "images" / "b.jpg").unlink()
    (entry,) = [e for e in inventory(nih) if e.usable]
    assert state(entry) == "can be read, in part"
    assert entry.wrong == ("1 of 3 images are not on disk; the first is 'b.jpg'",)
