"""MIMIC's three sets and the six entities, from prepared folders, CheXpert and ChestX-ray14."""

import json

import numpy as np
import pytest
from iki_knowledge import Finding
from medfilip_bench.datasets import mimic, six_entities
from medfilip_bench.errors import DataError
from medfilip_model.builders.items import Item, file_state
from medfilip_model.builders.options import BuildOptions
from medfilip_model.builders.origins import FileOrigin
from medfilip_model.builders.result import Draft, build
from medfilip_model.data import Sample
from medfilip_model.data.store import Fault, ShardStore
from medfilip_model.progress import Silent

READERS = {"16": mimic.READER_16, "multi": mimic.READER_MULTI, "fg": mimic.READER_FG}


@pytest.fixture
def prepare(tmp_path, image, kb):
    """Writer of a prepared set: subset, classes, the findings of each image."""

    def writer(part, classes, *findings, name=None):
        items = []
        for number, found in enumerate(findings):
            file = f"{number}.png"
            image(tmp_path / "files" / file, number)
            sample = Sample(
                id=f"i{number}",
                patient_id=f"p{number}",
                split="valid" if number == 0 else "test",
                findings=tuple(Finding(**f) for f in found),
                view="PA",
            )
            items.append(Item(sample, file, file_state(tmp_path / "files", file)))
        draft = Draft(
            name=name or f"mimic-{part}",
            source={"kind": "folder", "root": "files"},
            items=items,
            origin=FileOrigin(tmp_path / "files"),
            knowledge=kb.version,
            classes=classes,
        )
        out = tmp_path / f"prepared-{part}"
        build(draft, out, BuildOptions(size=48, workers=1), Silent())
        return out

    return writer


def finding(category, **more):
    return {"category": category, **more}


def test_multi_counts_narrower_findings_and_leaves_doubtful_ones_open(prepare, options):
    folder = prepare(
        "multi",
        ("lung_opacity", "pneumonia"),
        [finding("pneumonia")],
        [finding("pneumonia", presence="uncertain"), finding("atelectasis")],
        [finding("lung_opacity", presence="absent")],
    )
    data = mimic.READER_MULTI.read(folder, options())
    np.testing.assert_array_equal(data.labels, [[1, 1], [1, np.nan], [0, 0]])
    assert [len(data.rows(s)) for s in ("train", "valid", "test")] == [0, 1, 2]
    assert data.subjects[0].view == "PA"
    assert data.images.pixels.shape == (3, 32, 32)
    assert set(data.pixel_keys) == {"valid", "test"}
    only = mimic.READER_MULTI.read(folder, options(splits=("test",)))
    assert only.pixel_keys == {"test": data.pixel_keys["test"]}
    np.testing.assert_array_equal(only.images.pixels[:], data.images.pixels[data.rows("test")])
    assert len(mimic.READER_MULTI.read(folder, options(limit=1)).rows("test")) == 1


def test_sixteen_has_one_class_an_image_the_nearest(prepare, options):
    folder = prepare(
        "16", ("fracture", "pneumonia"), [finding("rib_fracture")], [finding("pneumonia")]
    )
    data = mimic.READER_16.read(folder, options())
    assert data.labels.tolist() == [[1, 0], [0, 1]]
    assert data.card.single
    assert dict(data.card.classes) == {"fracture": "fracture", "pneumonia": "pneumonia"}


def test_an_image_with_two_classes_is_refused(prepare, options):
    folder = prepare(
        "16", ("mass", "pneumonia"), [finding("mass")], [finding("mass"), finding("pneumonia")]
    )
    with pytest.raises(DataError, match="'i1' has 2 of the classes; an image of this set has one"):
        mimic.READER_16.read(folder, options())


def test_fg_is_a_disease_with_its_severity(prepare, options):
    folder = prepare(
        "fg",
        ("pleural_effusion", "pneumonia"),
        [finding("pleural_effusion", severity="trace")],
        [finding("pleural_effusion", severity="large")],
        [finding("pneumonia", severity="moderate")],
    )
    data = mimic.READER_FG.read(folder, options())
    names = [data.classes[k].name for k in data.labels.argmax(axis=1)]
    assert names == ["mild pleural effusion", "severe pleural effusion", "moderate pneumonia"]
    assert [c.severity for c in data.classes] == ["mild", "moderate", "severe"] * 2
    assert (data.labels.sum(axis=1) == 1).all()


def test_each_set_knows_its_own_folder_and_no_other(prepare):
    folder = prepare("16", ("mass",), [finding("mass")], [finding("mass")])
    assert [reader.knows(folder) for reader in READERS.values()] == [True, False, False]
    other = prepare("multi", ("mass",), [finding("mass")], [finding("mass")], name="mine")
    assert not any(reader.knows(other) for reader in READERS.values())


def test_a_damaged_set_is_named(prepare, options):
    folder = prepare("multi", ("mass",), [finding("mass")], [finding("mass")])
    manifest = folder / "dataset.json"
    assert mimic.READER_MULTI.check(folder).found == (
        "2 images in 2 shards, prepared as 'mimic-multi'",
    )
    whole = manifest.read_text()
    manifest.write_text(json.dumps(json.loads(whole) | {"classes": None}))
    with pytest.raises(DataError, match=r"MIMIC-multi: dataset.json names no classes"):
        mimic.READER_MULTI.read(folder, options())
    manifest.write_text(whole)
    shard = next(folder.glob("shards/*.arrow"))
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(DataError, match=r"MIMIC-multi: shard .* is cut short"):
        mimic.READER_MULTI.read(folder, options())
    found = mimic.READER_MULTI.check(folder)
    assert "is cut short" in found.wrong[0]
    assert not found.usable


def test_an_image_that_cannot_be_decoded_is_skipped_and_named(prepare, options, monkeypatch):
    """Its shard is whole: what was stored is no image."""
    folder = prepare("multi", ("mass",), *[[finding("mass")]] * 4)
    real = ShardStore.fault
    monkeypatch.setattr(
        ShardStore,
        "fault",
        lambda store, row: Fault("i2", "broken") if row == 2 else real(store, row),
    )
    for _ in range(2):
        data = mimic.READER_MULTI.read(folder, options())
        assert [s.id for s in data.images.samples] == ["i0", "i1", "i3"]
        assert [(s.file, s.reason) for s in data.images.skipped] == [("i2", "broken")]
        # What was found is remembered: nothing is decoded again.
        monkeypatch.setattr(ShardStore, "fault", None)


def test_no_test_image_is_refused(prepare, options):
    folder = prepare("multi", ("mass",), [finding("mass")])
    with pytest.raises(DataError, match="MIMIC-multi: the split 'test' is empty"):
        mimic.READER_MULTI.read(folder, options())


def test_six_entities_of_mimic_have_all_six_whatever_its_own_classes(prepare, options):
    folder = prepare("multi", ("mass",), [finding("mass")], [finding("pneumonia")])
    data = six_entities.READER.read(folder, options())
    assert [c.name for c in data.classes] == list(six_entities.CARD.classes)
    assert data.labels[1].tolist() == [1, 0, 0, 0, 0, 0], "a pneumonia is an opacity"
    assert (data.card.id, data.notes) == ("six_entities", ())
    assert data.card.citation.startswith("Johnson AEW")
    assert six_entities.READER.check(folder).found[0] == "read from MIMIC-multi"


def test_six_entities_of_nothing(tmp_path, options):
    assert not six_entities.READER.knows(tmp_path)
    with pytest.raises(DataError, match="neither MIMIC-multi, CheXpert-5 nor NIH ChestX-ray14"):
        six_entities.READER.read(tmp_path, options())
    assert six_entities.READER.check(tmp_path).folder is None


def test_six_entities_of_chexpert_are_its_own_labels(tmp_path, options, write, image):
    names = (
        "Atelectasis,Cardiomegaly,Consolidation,Edema,Pleural Effusion,Lung Opacity,Pneumothorax"
    )
    for split, patient in (("train", 1), ("valid", 2)):
        path = f"{split}/patient{patient}/study1/view1_frontal.jpg"
        row = f"CheXpert-v1.0/{path},Male,50,Frontal,PA,,,,,,1.0,"
        write(tmp_path / f"{split}.csv", f"Path,Sex,Age,Frontal/Lateral,AP/PA,{names}", row)
        image(tmp_path / path)
    data = six_entities.READER.read(tmp_path, options())
    assert [c.name for c in data.classes] == list(six_entities.CARD.classes)
    assert data.labels.tolist() == [[1, 0, 0, 0, 0, 0]] * 2
    assert "CheXpert-5" in data.card.name


def test_six_entities_of_chestxray14_are_five(tmp_path, options, write, image):
    header = "Image Index,Finding Labels,Patient ID,Patient Age,Patient Gender,View Position"
    write(tmp_path / "Data_Entry_2017_v2020.csv", header, "a.png,Effusion|Mass,1,50,M,PA")
    write(tmp_path / "train_val_list.txt", "")
    write(tmp_path / "test_list.txt", "a.png")
    image(tmp_path / "images" / "a.png")
    data = six_entities.READER.read(tmp_path, options())
    assert [c.name for c in data.classes] == list(six_entities.CARD.classes)[1:]
    assert data.labels.tolist() == [[0, 0, 1, 0, 0]]
    assert data.notes == ("NIH ChestX-ray14 has no label for Opacity.",)


def test_the_pinned_list_is_the_dictionary_s(kb):
    assert dict(mimic.MIMIC_16.classes) == kb.classes("mimic16")
    assert dict(six_entities.CARD.classes) == kb.classes("six_entities")
    assert set(mimic.FIVE) <= set(kb.classes("mimic16").values())
