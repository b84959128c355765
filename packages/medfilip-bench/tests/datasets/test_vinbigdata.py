"""VinBigData: three readers, a majority, class 14, boxes in film pixels, inverted films."""

import numpy as np
import pytest
from medfilip_bench.datasets.labelled import Subject
from medfilip_bench.datasets.vinbigdata import CARD, COMMON, LABELS, knows, read
from medfilip_bench.errors import BenchError, DataError

HEADER = "image_id,class_name,class_id,rad_id,x_min,y_min,x_max,y_max"


@pytest.fixture
def names(named):
    return named("test", 3)


@pytest.fixture
def folder(tmp_path, write, dicom, names):
    """One image with a majority, one with a single vote, one that all three call normal."""
    voted, alone, normal = names
    write(
        tmp_path / LABELS,
        HEADER,
        f"{voted},Cardiomegaly,3,R1,20,40,60,100",
        f"{voted},Cardiomegaly,3,R2,22,40,60,100",
        f"{voted},Cardiomegaly,3,R2,24,40,60,100",
        f"{voted},Aortic enlargement,0,R3,20,40,60,100",
        f"{voted},Other lesion,9,R1,20,40,60,100",
        f"{voted},Other lesion,9,R2,20,40,60,100",
        f"{alone},Nodule/Mass,8,R1,20,40,60,100",
        f"{alone},No finding,14,R2,,,,",
        f"{alone},No finding,14,R3,,,,",
        *(f"{normal},No finding,14,R{n},,,," for n in (1, 2, 3)),
    )
    # 80 x 100 pixels: the square shows rows 10 to 90.
    ramp = np.tile(np.linspace(0, 255, 80), (100, 1))
    for name in (voted, alone):
        dicom(tmp_path / "train" / f"{name}.dicom", ramp, PatientSex="O", PatientAge="000Y")
    dicom(tmp_path / "train" / f"{normal}.dicom", 255 - ramp.round(), "MONOCHROME1")
    return tmp_path


def row_of(data, name):
    return next(n for n, s in enumerate(data.images.samples) if s.id == name)


def test_an_image_has_what_most_of_its_readers_marked(folder, options, names):
    data = read(folder, options())
    column = {c.name: k for k, c in enumerate(data.classes)}
    voted, alone, normal = (data.labels[row_of(data, name)] for name in names)
    assert (voted[column["Cardiomegaly"]], voted.sum()) == (1, 1), "two rows of R2 are one vote"
    assert alone.sum() == normal.sum() == 0
    assert len(data.classes) == 13
    assert "Other lesion" not in column


def test_boxes_are_in_pixels_of_the_film_and_carried_to_its_square(folder, options, names):
    data = read(folder, options())
    first, second, third = data.boxes[names[0]]
    assert {b.category for b in (first, second, third)} == {"cardiomegaly"}
    assert (first.x, first.y) == (20 / 80, 30 / 80)
    assert first.width == pytest.approx(40 / 80)
    # y_max is 100: the square ends at 90.
    assert first.height == pytest.approx(50 / 80)
    assert second.x == pytest.approx(22 / 80)
    assert data.boxes[names[1]] == data.boxes[names[2]] == ()


def test_monochrome1_films_are_inverted(folder, options, names):
    data = read(folder, options())
    plain, inverted = (np.asarray(data.images.pixels[row_of(data, names[n])], int) for n in (1, 2))
    assert plain[:, 0].max() < 20
    assert plain[:, -1].min() > 235
    assert np.abs(plain - inverted).max() <= 1


def test_sex_and_age_that_are_blank_or_other_are_not_known(folder, options):
    assert set(read(folder, options()).subjects) <= {Subject(), Subject(None, 0.0, None)}


def test_a_film_without_header_is_skipped_and_its_boxes_with_it(folder, options, names):
    (folder / "train" / f"{names[0]}.dicom").write_bytes(b"x")
    data = read(folder, options())
    assert [s.file for s in data.images.skipped] == [f"{names[0]}.dicom"]
    assert names[0] not in data.boxes


def test_a_class_of_another_version_is_named(folder, options):
    path = folder / LABELS
    path.write_text(path.read_text().replace("Cardiomegaly", "Cardiomegalie"))
    with pytest.raises(BenchError, match="'Cardiomegalie'; did you mean 'Cardiomegaly'"):
        read(folder, options())


def test_another_train_csv_is_not_taken_for_it(tmp_path, write, options):
    write(tmp_path / LABELS, "Path,Sex,Age,Frontal/Lateral,AP/PA", "a,b,c,d,e")
    assert not knows(tmp_path)
    with pytest.raises(DataError, match="no column 'image_id'"):
        read(tmp_path, options())


def test_classes_are_the_dictionary_s_and_eight_of_them_are_common(kb):
    assert dict(CARD.classes) == kb.classes("vinbigdata")
    assert len(COMMON) == 8
    assert set(COMMON) < set(CARD.classes.values())
