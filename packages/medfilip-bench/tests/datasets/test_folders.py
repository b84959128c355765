"""Data sets whose labels are their folders: both COVID sets and Kermany's."""

import numpy as np
import pytest
from medfilip_bench.datasets import covid_qu_ex, covid_radiography, kermany
from medfilip_bench.errors import BenchError, DataError


@pytest.fixture
def radiography(tmp_path, image, named):
    for name in ("COVID", "Lung_Opacity", "Normal", "Viral Pneumonia"):
        for split in ("test", "train"):
            (stem,) = named(split, 1, f"{name}/{name}-{{}}")
            image(tmp_path / name / "images" / f"{stem.split('/')[1]}.png", shape=(30, 30))
    return tmp_path


def test_radiography_classes_are_folders_and_normal_is_none_of_them(radiography, options, image):
    data = covid_radiography.read(radiography, options())
    assert [c.category for c in data.classes] == ["covid19", "lung_opacity", "viral_pneumonia"]
    assert sorted(map(tuple, data.labels[data.rows("test")])) == [
        (0, 0, 0),
        (0, 0, 1),
        (0, 1, 0),
        (1, 0, 0),
    ]
    assert data.masks is None
    first = next((radiography / "COVID" / "images").iterdir())
    image(radiography / "COVID" / "masks" / first.name, values=np.full((16, 16), 255))
    masked = covid_radiography.read(radiography, options())
    assert (len(masked.masked), masked.mask_of) == (1, "lungs")
    assert (masked.masks[masked.masked[0]] == 255).all()
    other = next(r for r in range(8) if r not in masked.masked)
    assert not masked.masks[other].any()


def test_radiography_says_that_class_equals_source_and_that_patients_are_unknown(kb):
    notes = " ".join(covid_radiography.CARD.notes)
    assert "Class equals source" in notes
    assert "Patients are not told" in notes
    assert "Class equals source" in " ".join(covid_qu_ex.CARD.notes)
    assert dict(covid_radiography.CARD.classes) == kb.classes("covid")
    assert dict(covid_qu_ex.CARD.classes) == kb.classes("covid_qu_ex")


def test_radiography_of_an_older_version_is_told_apart(radiography, options, image):
    for path in (radiography / "Normal" / "images").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="Normal/images/ is missing or has no PNG"):
        covid_radiography.read(radiography, options())
    image(radiography / "Normal" / "Normal-1.png")
    with pytest.raises(DataError, match="older version; version 5 has Normal/images/"):
        covid_radiography.read(radiography, options())


@pytest.fixture
def qu_ex(tmp_path, image):
    top = tmp_path / "Lung Segmentation Data" / "Lung Segmentation Data"
    for part in ("Train", "Val", "Test"):
        for number, name in enumerate(("COVID-19", "Non-COVID", "Normal")):
            image(top / part / name / "images" / f"{name}_{part}.png", number)
            image(top / part / name / "lung masks" / f"{name}_{part}.png", values=np.eye(9) * 255)
    return tmp_path


def test_qu_ex_has_its_own_splits_and_the_lung_data_go_first(qu_ex, options, image):
    image(qu_ex / "Infection Segmentation Data" / "Train" / "COVID-19" / "images" / "x.png")
    data = covid_qu_ex.read(qu_ex, options())
    assert [len(data.rows(s)) for s in ("train", "valid", "test")] == [3, 3, 3]
    assert data.labels[data.rows("test")].tolist() == [[1, 0], [0, 1], [0, 0]]
    assert (data.mask_of, data.masked) == ("lungs", None)
    assert not [s for s in data.images.samples if s.id.endswith("/x")]


def test_qu_ex_half_there_is_refused(qu_ex, options, tmp_path_factory):
    for path in qu_ex.glob("*/*/Val/Normal/images/*"):
        path.unlink()
    with pytest.raises(DataError, match="Val/Normal/images/ is missing or has no PNG"):
        covid_qu_ex.read(qu_ex, options())
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(DataError, match="no folder has Train/COVID-19/ below it"):
        covid_qu_ex.read(empty, options())
    assert covid_qu_ex.check(qu_ex).wrong


@pytest.fixture
def children(tmp_path, image):
    """The official folders; person7 is in train and in test."""
    files = {
        "train/NORMAL": ["IM-0115-0001", "NORMAL2-IM-0383-0001"],
        "train/PNEUMONIA": ["person1_bacteria_1", "person1_bacteria_2", "person7_virus_3"],
        "val/NORMAL": ["NORMAL2-IM-1427-0001"],
        "val/PNEUMONIA": ["person1946_bacteria_4874"],
        "test/NORMAL": ["IM-0001-0001"],
        "test/PNEUMONIA": ["person7_bacteria_30"],
    }
    for folder, names in files.items():
        for number, name in enumerate(names):
            image(tmp_path / "chest_xray" / folder / f"{name}.jpeg", number, (60, 40))
    return tmp_path


def test_the_official_folders_with_a_patient_in_two_of_them(children, options):
    data = kermany.read(children, options())
    assert len(data.rows("test")) == 2
    assert data.labels[data.rows("test")].ravel().tolist() == [0, 1]
    patients = {s.id: s.patient_id for s in data.images.samples}
    assert "train/person7_virus_3" not in patients
    assert patients["train/person1_bacteria_1"] == patients["train/person1_bacteria_2"] == "person1"
    assert patients["train/NORMAL2-IM-0383-0001"] == "NORMAL2-IM-0383"
    assert patients["train/IM-0115-0001"] == "IM-0115"
    left_out = "1 of 9 images are left out: training images of patients who are in the test split"
    assert data.notes[0].startswith(left_out)
    assert kermany.check(children).found[1].startswith(left_out)
    assert {s.split for s in data.images.samples} <= {"train", "valid", "test"}


@pytest.fixture
def masked(tmp_path, write, image):
    write(
        tmp_path / "manifest.csv",
        "file,label,repo_split,lung_mask,patient_key",
        "a.jpg,NORMAL,test,a.png,NIM-1",
        "b.jpg,BACTERIA,test,,person2",
        "c.jpg,VIRUS,train,c.png,person3",
        "d.jpg,VIRUS,train,,person2",
    )
    for number, name in enumerate("abcd"):
        image(tmp_path / "images" / f"{name}.jpg", number)
    levels = np.zeros((40, 40))
    levels[:, 10:20], levels[:, 20:] = 127, 255
    for name in "ac":
        image(tmp_path / "lung_masks" / f"{name}.png", values=levels)
    return tmp_path


def test_the_manifest_has_lung_masks_with_pixels_not_to_be_judged(masked, options):
    data = kermany.read(masked, options())
    rows = {s.id: n for n, s in enumerate(data.images.samples)}
    assert set(rows) == {"a", "b", "c"}, "d is of a patient in the test split"
    assert data.labels[[rows["a"], rows["b"]]].ravel().tolist() == [0, 1]
    assert data.masked == tuple(sorted((rows["a"], rows["c"])))
    mask = data.masks[rows["a"]]
    assert set(np.unique(mask)) == {0, 127, 255}
    assert (mask[:, :8] == 0).all()
    assert (mask[:, 8:16] == 127).all()
    assert (mask[:, 16:] == 255).all()
    assert kermany.knows(masked)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("BACTERIA", "FUNGUS", "unknown label in manifest.csv line 3, 'FUNGUS'"),
        ("train", "trial", "unknown split in manifest.csv line 4, 'trial'; did you mean 'train'"),
        ("c.png", "../c.png", "'../c.png' is no path inside the folder"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(masked, options, old, new, message):
    path = masked / "manifest.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BenchError, match=message):
        kermany.read(masked, options())


def test_a_missing_official_folder_is_named(children, options):
    for path in (children / "chest_xray" / "test" / "NORMAL").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="test/NORMAL/ is missing or has no JPEG"):
        kermany.read(children, options())


def test_a_damaged_mask_is_named_when_it_is_read(masked, options):
    (masked / "lung_masks" / "a.png").write_bytes(b"x")
    data = kermany.read(masked, options())
    with pytest.raises(DataError, match=r"cannot read mask 'a.png'"):
        _ = data.masks[:]
