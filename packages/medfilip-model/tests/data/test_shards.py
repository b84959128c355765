import json

import pyarrow as pa
import pytest
from iki_knowledge import Finding
from medfilip_model.data.shards import Verified, is_prepared, load_prepared, verify_prepared
from medfilip_model.errors import DataError


def change(folder, **changes):
    path = folder / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return folder


def test_samples_and_pixels_stand_row_by_row(write_set, kb):
    images = load_prepared(write_set(), kb, size=24, verify=True)
    assert images.name == "drawn"
    assert images.classes == ("mass",)
    first, second, last = (images.samples[n] for n in (0, 1, 6))
    assert (first.id, first.patient_id, first.study_id, first.view) == ("im-0", "p0", "s0", None)
    assert (first.findings, first.report, first.split) == ((), None, "train")
    assert second.findings == (Finding(category="mass", side="left"),)
    assert (second.report, second.view, second.study_id) == ("report 1", "PA", "s0")
    assert (last.findings, last.split) == (None, "valid")
    assert [int(image.min()) for image in images.pixels] == [15 * n for n in range(7)]


def test_other_sizes(write_set, kb):
    assert load_prepared(write_set(), kb, size=8).pixels.shape == (7, 8, 8)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version(write_set, kb, version):
    with pytest.raises(DataError, match=rf"has format {version!r}; this version reads 1: prepare"):
        load_prepared(change(write_set(), format=version), kb, size=24)


def test_a_damaged_manifest(write_set, kb, tmp_path):
    folder = write_set()
    with pytest.raises(DataError, match=r"dataset\.json: shards"):
        load_prepared(change(folder, shards=[{"file": "x"}]), kb, size=24)
    (folder / "dataset.json").write_text('{"format": 1')
    with pytest.raises(DataError, match=r"dataset\.json is no JSON"):
        load_prepared(folder, kb, size=24)
    (folder / "dataset.json").write_text("[]")
    with pytest.raises(DataError, match="has format None"):
        load_prepared(folder, kb, size=24)
    assert not is_prepared(tmp_path)
    with pytest.raises(DataError, match=r"cannot read .*No such file"):
        load_prepared(tmp_path, kb, size=24)


def test_a_shard_cut_short_is_named(write_set, kb):
    folder = write_set()
    path = folder / "shards" / "x-00001.arrow"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"x-00001\.arrow' is cut short: \d+ bytes of \d+"):
        load_prepared(folder, kb, size=24)


def test_a_missing_shard_is_named(write_set, kb):
    folder = write_set()
    (folder / "shards" / "x-00002.arrow").unlink()
    with pytest.raises(DataError, match=r"cannot read shard .*x-00002\.arrow': No such file"):
        load_prepared(folder, kb, size=24)


def test_a_changed_byte_is_found_when_hashes_are_compared(write_set, kb):
    folder = write_set()
    path = folder / "shards" / "x-00000.arrow"
    content = bytearray(path.read_bytes())
    # Inside the first image, whose header says what it is.
    content[content.index(b"IDAT") + 10] ^= 255
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x-00000\.arrow' is damaged: its SHA-256"):
        load_prepared(folder, kb, size=24, verify=True)
    assert len(load_prepared(folder, kb, size=24).samples) == 7


def test_a_shard_of_other_columns_or_rows(write_set, kb):
    folder = write_set()
    shards = json.loads((folder / "dataset.json").read_text())["shards"]
    shards[2]["rows"] = 2
    with pytest.raises(DataError, match=r"x-00002\.arrow' has 1 rows; dataset\.json says 2"):
        load_prepared(change(folder, shards=shards), kb, size=24)
    path = folder / "shards" / "x-00000.arrow"
    with pa.OSFile(str(path), "wb") as sink:
        table = pa.table({"id": ["a"]})
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    shards[0]["bytes"] = path.stat().st_size
    with pytest.raises(DataError, match="has other columns"):
        load_prepared(change(folder, shards=shards), kb, size=24)


def test_a_corrupt_image_is_named_when_it_is_asked_for(write_set, kb, rows):
    rows[4]["image"] = rows[4]["image"][:60]
    images = load_prepared(write_set(rows), kb, size=24)
    assert images.pixels[[3, 5]].shape == (2, 24, 24)
    with pytest.raises(DataError, match=r"cannot decode image 'im-4' in .*x-00001\.arrow'"):
        images.pixels[[3, 4]]


def test_corrupt_images_are_left_out_when_asked(write_set, kb, rows):
    rows[4]["image"] = b"nothing"
    images = load_prepared(write_set(rows), kb, size=24, corrupt="skip")
    assert [sample.id for sample in images.samples] == [f"im-{n}" for n in (0, 1, 2, 3, 5, 6)]
    assert [skipped.file for skipped in images.skipped] == ["im-4"]
    assert images.skipped[0].reason
    assert images.pixels[4].min() == 15 * 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"findings": "{"}, r"image 'im-2': findings are no JSON"),
        ({"findings": "{}"}, r"image 'im-2': findings are \{\}, not a list"),
        ({"findings": '[{"category": "mas"}]'}, r"image 'im-2': unknown category 'mas'"),
        ({"split": "dev"}, r"image 'im-2': split 'dev'; allowed are train, valid, test"),
        ({"id": "im-1"}, r"image id 'im-1' occurs more than once"),
        ({"patient_id": "p6"}, r"patient 'p6' is in both 'train' and 'valid'"),
    ],
)
def test_a_bad_row_is_named(write_set, kb, rows, changes, message):
    rows[2].update(changes)
    with pytest.raises(DataError, match=message):
        load_prepared(write_set(rows), kb, size=24)


def test_not_one_image(write_set, kb, rows):
    for row in rows:
        row["image"] = b""
    folder = write_set(rows)
    with pytest.raises(DataError, match=r"not one image of .* can be read"):
        load_prepared(folder, kb, size=24, corrupt="skip")


def test_all_shards_are_verified_and_every_fault_is_told(write_set, tmp_path):
    folder = write_set()
    assert verify_prepared(folder) == Verified("drawn", 3, 7, ())
    first, second, third = sorted((folder / "shards").glob("*.arrow"))
    (folder / "shards" / "old.arrow").write_bytes(first.read_bytes())
    first.write_bytes(first.read_bytes()[:-20])
    content = bytearray(second.read_bytes())
    content[content.index(b"IDAT") + 10] ^= 255
    second.write_bytes(content)
    third.unlink()
    faults = verify_prepared(folder).faults
    for fault, told in zip(
        faults, ("is cut short", "its SHA-256 is not", "cannot read", "is not in dataset"),
        strict=True,
    ):  # fmt: skip
        assert told in fault
    with pytest.raises(DataError, match="cannot read"):
        verify_prepared(tmp_path / "absent")
