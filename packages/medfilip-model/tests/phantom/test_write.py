import csv
import json

import numpy as np
import pytest
from iki_knowledge import Finding
from medfilip_model.errors import ConfigError, DataError
from medfilip_model.phantom import PhantomConfig, generate, split_of, write_phantoms
from PIL import Image

_CONFIG = PhantomConfig(size=48, seed=6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "phantoms"
    return write_phantoms(_CONFIG, 20, out)


def _pixels(path):
    with Image.open(path) as image:
        return np.asarray(image)


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_manifest_is_what_the_readers_of_real_folders_expect(folder):
    rows = _rows(folder.path / "manifest.csv")
    assert list(rows[0]) == ["file", "finding_labels", "patient_id", "view", "sex", "age", "split"]
    assert len(rows) == 20
    for index, row in enumerate(rows):
        phantom = generate(_CONFIG, index)
        labels = [f.category for f in phantom.findings]
        assert row["finding_labels"] == ("|".join(labels) or "No Finding")
        assert row["split"] == split_of(index)
        assert row["view"] == "PA"
        image = _pixels(folder.path / "images" / row["file"])
        np.testing.assert_allclose(image / 255, phantom.image, atol=0.5 / 255 + 1e-6)
    assert len({row["patient_id"] for row in rows}) == 20


def test_truth_has_the_findings_and_their_masks(folder):
    lines = (folder.path / "truth.jsonl").read_text().splitlines()
    masks = set()
    for index, line in enumerate(lines):
        record = json.loads(line)
        phantom = generate(_CONFIG, index)
        assert record["report_id"] == phantom.id
        assert record["schema"] == 1
        for number, item in enumerate(record["findings"]):
            name = item.pop("mask")
            assert Finding(**item) == phantom.findings[number]
            mask = _pixels(folder.path / name) > 127
            np.testing.assert_array_equal(mask, phantom.masks[number])
            masks.add(name)
    assert masks == {f"masks/{path.name}" for path in (folder.path / "masks").iterdir()}


def test_reports_are_the_phantoms(folder):
    for index, row in enumerate(_rows(folder.path / "reports.csv")):
        report = generate(_CONFIG, index).report
        assert row == {
            "report_id": f"phantom-{index:06d}",
            "image": f"images/phantom-{index:06d}.png",
            "findings": report.findings,
            "impression": report.impression,
        }
        assert (folder.path / row["image"]).is_file()


def test_the_summary_counts_the_labels(folder):
    assert folder.images == 20
    rows = _rows(folder.path / "manifest.csv")
    for category, count in folder.findings.items():
        assert count == sum(category in row["finding_labels"].split("|") for row in rows)
    recipe = json.loads((folder.path / "phantom.json").read_text())
    assert recipe["complete"] is True
    assert PhantomConfig(**recipe["config"]) == _CONFIG
    with Image.open(folder.path / "contact_sheet.png") as sheet:
        assert sheet.size[0] > 500


def test_two_processes_write_the_same_bytes(folder, tmp_path):
    write_phantoms(_CONFIG, 20, tmp_path, workers=2)
    for path in folder.path.rglob("*.*"):
        assert (tmp_path / path.relative_to(folder.path)).read_bytes() == path.read_bytes()


def test_a_smaller_set_replaces_a_larger_one(tmp_path):
    write_phantoms(_CONFIG, 5, tmp_path)
    write_phantoms(_CONFIG, 2, tmp_path)
    assert len(list((tmp_path / "images").iterdir())) == 2
    assert len(_rows(tmp_path / "manifest.csv")) == 2


def test_other_people_s_folders_are_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("do not touch")
    with pytest.raises(DataError, match=r"not empty and no phantom folder"):
        write_phantoms(_CONFIG, 2, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(DataError, match=r"thesis.txt' is a file"):
        write_phantoms(_CONFIG, 2, tmp_path / "thesis.txt")


@pytest.mark.parametrize(
    ("changes", "message"), [({"n": 0}, "n is 0"), ({"workers": 0}, "workers is 0")]
)
def test_bad_numbers_touch_nothing(tmp_path, changes, message):
    write_phantoms(_CONFIG, 1, tmp_path)
    before = sorted(path.name for path in tmp_path.rglob("*"))
    arguments = {"n": 1, "workers": 1, **changes}
    with pytest.raises(ConfigError, match=message):
        write_phantoms(_CONFIG, arguments["n"], tmp_path, workers=arguments["workers"])
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_an_interrupted_folder_can_be_written_again(tmp_path):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_phantoms(_CONFIG, 3, tmp_path, progress=stop)
    assert json.loads((tmp_path / "phantom.json").read_text())["complete"] is False
    assert write_phantoms(_CONFIG, 3, tmp_path).images == 3


def test_every_split_occurs():
    assert {split_of(index) for index in range(10)} == {"train", "valid", "test"}
