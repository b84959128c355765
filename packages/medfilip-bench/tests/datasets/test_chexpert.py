"""CheXpert: uncertain is not known, blank is absent, lateral views are left out."""

import numpy as np
import pytest
from medfilip_bench.datasets.chexpert import FIVE, check, knows, read
from medfilip_bench.datasets.labelled import Subject
from medfilip_bench.errors import DataError

LABELS = (
    "No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,Edema,"
    "Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,"
    "Support Devices"
)
HEADER = f"Path,Sex,Age,Frontal/Lateral,AP/PA,{LABELS}"


def line(split, patient, view, kind, **labels):
    names = LABELS.split(",")
    path = f"CheXpert-v1.0-small/{split}/patient{patient:05}/study1/view{view}_{kind.lower()}.jpg"
    cells = [labels.get(name.replace(" ", "_"), "") for name in names]
    return f"{path},Female,68,{kind},AP,{','.join(cells)}"


@pytest.fixture
def folder(tmp_path, write, image):
    rows = {
        "train": [
            line("train", 1, 1, "Frontal", Cardiomegaly="1.0", Edema="-1.0", Consolidation="0.0"),
            line("train", 1, 2, "Lateral", Cardiomegaly="1.0"),
        ],
        "valid": [line("valid", 64541, 1, "Frontal", Pleural_Effusion="1.0", Lung_Opacity="1.0")],
    }
    for split, lines in rows.items():
        write(tmp_path / f"{split}.csv", HEADER, *lines)
    image(tmp_path / "train/patient00001/study1/view1_frontal.jpg")
    image(tmp_path / "train/patient00001/study1/view2_lateral.jpg")
    image(tmp_path / "valid/patient64541/study1/view1_frontal.jpg", 1)
    return tmp_path


def test_uncertain_is_not_known_and_blank_is_absent(folder, options):
    data = read(folder, options())
    assert [c.name for c in data.classes] == list(FIVE)
    assert data.labels[data.rows("test")].tolist() == [[0, 0, 0, 0, 1]]
    (train,) = [r for r in range(2) if r not in data.rows("test")]
    np.testing.assert_array_equal(data.labels[train], [0, 1, 0, np.nan, 0])
    findings = {f.category: f.presence for f in data.images.samples[train].findings}
    assert findings == {"cardiomegaly": "present", "pulmonary_edema": "uncertain"}


def test_lateral_views_are_left_out_and_patients_keep_their_split(folder, options):
    data = read(folder, options())
    assert sorted(s.patient_id for s in data.images.samples) == ["patient00001", "patient64541"]
    assert data.images.samples[data.rows("test")[0]].patient_id == "patient64541"
    assert set(data.subjects) == {Subject("F", 68.0, "AP")}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1.0", "2.0", "line 2, .* is '2.0'; allowed are 1, 0, -1 and blank"),
        ("patient64541", "somebody", "line 2: path .*expected 'CheXpert-v1.0-small/train"),
        ("valid/patient", "../valid/patient", "line 2: path"),
        ("Pleural Effusion", "Effusion", "no column 'Pleural Effusion'"),
    ],
)
def test_another_table_is_refused_in_words(folder, options, old, new, message):
    path = folder / "valid.csv"
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(DataError, match=message):
        read(folder, options())


def test_what_is_there_is_counted_against_the_official_numbers(folder, write):
    assert check(folder).found[0].startswith("2 of 191,229 images")
    assert knows(folder)
    write(folder / "valid.csv", "id,label", "1,2")
    assert not knows(folder)


def test_classes_are_the_dictionary_s(kb):
    assert FIVE.items() <= kb.classes("chexpert14").items()
