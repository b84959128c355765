"""ChestX-ray14: commas in the header, joined labels, the box list's own word, two tables."""

import pytest
from medfilip_bench.datasets.chestxray14 import (
    CARD,
    COMMON,
    LABELS,
    OLDER_LABELS,
    check,
    read,
)
from medfilip_bench.datasets.labelled import Box, Subject
from medfilip_bench.errors import BenchError, DataError

# A comma splits OriginalImage[Width,Height] and OriginalImagePixelSpacing[x,y].
HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
BOXES = "Image Index,Finding Label,Bbox [x,y,w,h],,,"
ROWS = (
    ("00000001_000.png", "Infiltration|Effusion", "1", "58", "M", "PA"),
    ("00000001_001.png", "No Finding", "1", "59", "M", "AP"),
    ("00000002_000.png", "Hernia", "2", "411", "F", "PA"),
    ("00000003_000.png", "Pleural_Thickening", "3", "004Y", "F", "PA"),
)


def line(name, labels, patient, age, sex, view):
    return f"{name},{labels},0,{patient},{age},{sex},{view},2682,2749,0.143,0.143"


@pytest.fixture
def folder(tmp_path, write, image):
    """Patient 1 is for testing; 2 and 3 are for training; three archives of images."""
    write(tmp_path / LABELS, HEADER, *(line(*row) for row in ROWS))
    write(tmp_path / "train_val_list.txt", "00000002_000.png", "00000003_000.png")
    write(tmp_path / "test_list.txt", "00000001_000.png", "00000001_001.png")
    write(
        tmp_path / "BBox_List_2017.csv",
        BOXES,
        "00000001_000.png,Infiltrate,256.0,512,128,64,,,",
        "00000001_000.png,Effusion,0,0,1024,1024,,,",
    )
    for number, row in enumerate(ROWS):
        image(tmp_path / f"images_00{number % 3 + 1}" / "images" / row[0], number)
    return tmp_path


def shown(data, name):
    row = next(n for n, s in enumerate(data.images.samples) if s.id == name)
    return {c.name for c, value in zip(data.classes, data.labels[row], strict=True) if value}


def test_labels_are_split_and_no_finding_is_no_class(folder, options):
    data = read(folder, options())
    assert shown(data, "00000001_000") == {"Infiltration", "Effusion"}
    assert shown(data, "00000001_001") == set()
    assert shown(data, "00000003_000") == {"Pleural_Thickening"}
    assert len(data.classes) == 14
    assert [len(data.rows("test")), len(data.images.samples)] == [2, 4]


def test_the_box_list_says_infiltrate_where_labels_say_infiltration(folder, options):
    data = read(folder, options())
    assert data.boxes == {
        "00000001_000": (
            Box("infiltration", 0.25, 0.5, 0.125, 0.0625),
            Box("pleural_effusion", 0.0, 0.0, 1.0, 1.0),
        )
    }
    assert "00000002_000" not in data.boxes, "nobody looked there"


def test_subjects_and_impossible_ages(folder, options):
    data = read(folder, options())
    told = dict(zip((s.id for s in data.images.samples), data.subjects, strict=True))
    assert told["00000001_000"] == Subject("M", 58.0, "PA")
    assert told["00000002_000"] == Subject("F", None, "PA")
    assert told["00000003_000"] == Subject("F", 4.0, "PA")


@pytest.mark.parametrize("sex", ["Patient Gender", "Patient Sex"])
def test_the_older_table_is_read_too(folder, options, write, sex):
    (folder / LABELS).unlink()
    header = HEADER.replace("Patient Gender", sex) + ","
    write(folder / OLDER_LABELS, header, *(f"{line(*row)}," for row in ROWS))
    data = read(folder, options())
    assert shown(data, "00000002_000") == {"Hernia"}
    assert data.subjects[-1].sex == "M"


def test_without_boxes_only_grounding_is_lost(folder, options):
    (folder / "BBox_List_2017.csv").unlink()
    assert read(folder, options()).boxes == {}
    assert check(folder).missing == ("984 boxes (for grounding only): BBox_List_2017.csv",)


def test_images_in_one_folder_are_found_too(folder, options, image):
    (folder / "images_001" / "images" / "00000001_000.png").unlink()
    image(folder / "images" / "00000001_000.png")
    assert not read(folder, options()).images.skipped


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (LABELS, "Hernia", "Hernias", "'Hernias'; did you mean 'Hernia'"),
        (LABELS, "Finding Labels", "Labels", "no column 'Finding Labels'.*another version"),
        ("test_list.txt", "00000001_001.png", "", "'00000001_001.png' is in neither"),
        ("BBox_List_2017.csv", "Infiltrate", "Fluid", "unknown label in BBox.* line 2, 'Fluid'"),
        ("BBox_List_2017.csv", "256.0,512,128,64", "256.0", "line 2, '' is no|line 2: '' is no"),
    ],
)
def test_files_of_another_version_are_refused_in_words(folder, options, file, old, new, message):
    path = folder / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BenchError, match=message):
        read(folder, options())


def test_a_missing_list_is_named(folder, options):
    (folder / "test_list.txt").unlink()
    with pytest.raises(DataError, match=r"cannot read test_list.txt: No such file"):
        read(folder, options())
    assert check(folder).wrong == ("cannot read test_list.txt: No such file or directory",)


def test_classes_are_the_dictionary_s_and_ten_of_them_are_common(kb):
    assert dict(CARD.classes) == kb.classes("chestxray14")
    assert len(COMMON) == 10
    assert set(COMMON) < set(CARD.classes.values())
