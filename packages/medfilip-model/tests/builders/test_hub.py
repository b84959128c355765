import csv
import io
import json
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from iki_knowledge import Finding
from medfilip_model.builders import BuildOptions, TableColumns, build_hub
from medfilip_model.data.shards import load_prepared
from medfilip_model.errors import DataError
from PIL import Image

OPTIONS = BuildOptions(size=16, encoding="png", workers=1)
COUNT = 9


def png(n):
    buffer = io.BytesIO()
    Image.fromarray(np.full((20, 20), 10 * n, np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def texts(n):
    return {"findings": f"Film {n} shows a mass.", "impression": f"Mass {n}." if n else None}


def rows(images):
    return [
        {"image": image, "id": f"r{n}", "patient_id": f"p{n // 2}", **texts(n)}
        for n, image in enumerate(images)
    ]


@pytest.fixture
def table(request, tmp_path):
    """The same nine rows, written in one of several ways."""
    kind = request.param
    images = [png(n) for n in range(COUNT)]
    for n, raw in enumerate(images):
        (tmp_path / f"{n}.png").write_bytes(raw)
    paths = rows([f"{n}.png" for n in range(COUNT)])
    structs = rows([{"bytes": raw, "path": None} for raw in images])
    if kind == "csv":
        path = tmp_path / "t.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(paths[0]))
            writer.writeheader()
            writer.writerows(paths)
    elif kind == "jsonl":
        path = tmp_path / "t.jsonl"
        path.write_text("\n".join(map(json.dumps, paths)))
    elif kind == "parquet bytes":
        path = tmp_path / "t.parquet"
        pq.write_table(pa.Table.from_pylist(rows(images)), path, row_group_size=4)
    elif kind == "parquet paths":
        path = tmp_path / "t.parquet"
        pq.write_table(pa.Table.from_pylist(paths), path)
    elif kind == "parquet folder":
        path = tmp_path / "folder" / "data"
        path.mkdir(parents=True)
        for n in (0, 5):
            part = pa.Table.from_pylist(structs[n : n + 5] if n == 0 else structs[5:])
            pq.write_table(part, path / f"part-0000{n}.parquet")
        path = path.parent
    else:
        path = tmp_path / "saved"
        path.mkdir()
        whole = pa.Table.from_pylist(structs)
        saved = str(path / "data-00000-of-00001.arrow")
        with pa.OSFile(saved, "wb") as file, pa.ipc.new_stream(file, whole.schema) as writer:
            writer.write_table(whole, max_chunksize=4)
        state = {"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}
        (path / "state.json").write_text(json.dumps(state))
    return path


KINDS = ("csv", "jsonl", "parquet bytes", "parquet paths", "parquet folder", "datasets")


@pytest.mark.parametrize("table", KINDS, indirect=True)
def test_every_kind_of_table_gives_the_same_set(table, kb, tmp_path):
    found = {f"r{n}": (Finding(category="mass"),) for n in range(COUNT)}
    out = tmp_path / "set"
    built = build_hub(table, out, kb, findings=found, reports=True, options=OPTIONS)
    assert built.images == COUNT
    images = load_prepared(out, kb, size=16)
    for row, sample in enumerate(images.samples):
        n = int(sample.id[1:])
        assert (images.pixels[np.array([row])] == 10 * n).all()
        assert sample.patient_id == f"p{n // 2}"
        assert sample.findings == found[sample.id]
        told = [text for text in texts(n).values() if text]
        assert sample.report == "\n\n".join(told)


@pytest.mark.parametrize("table", ["parquet bytes"], indirect=True)
def test_rows_of_a_patient_stay_together_and_texts_are_not_kept(table, kb, tmp_path):
    found = {f"r{n}": () for n in range(COUNT)}
    build_hub(table, tmp_path / "set", kb, findings=found, options=OPTIONS)
    samples = load_prepared(tmp_path / "set", kb, size=16).samples
    assert all(sample.report is None for sample in samples)
    assert len({(s.patient_id, s.split) for s in samples}) == 5


def test_without_ids_every_row_is_an_image_and_a_patient(kb, tmp_path):
    cells = [{"x": png(n % 20), "text": "A mass."} for n in range(40)]
    pq.write_table(pa.Table.from_pylist(cells), tmp_path / "t.parquet")
    columns = TableColumns(image="x", findings="text")
    built = build_hub(
        tmp_path / "t.parquet", tmp_path / "set", kb, reports=True, columns=columns, options=OPTIONS
    )
    assert sum(built.patients.values()) == 40
    assert set(built.splits) == {"train", "valid", "test"}
    names = {s.id for s in load_prepared(tmp_path / "set", kb, size=16).samples}
    assert names == {f"row-{n:06}" for n in range(40)}


def test_parts_named_after_a_split_are_that_split(kb, tmp_path):
    for name in ("train", "validation", "test"):
        cells = [{"image": png(n), "findings": "Clear."} for n in range(2)]
        table = pa.Table.from_pylist([{**cell, "id": f"{name}{n}"} for n, cell in enumerate(cells)])
        pq.write_table(table, tmp_path / f"{name}-00000-of-00001.parquet")
    built = build_hub(tmp_path, tmp_path / "set", kb, reports=True, options=OPTIONS)
    assert built.splits == {"train": 2, "valid": 2, "test": 2}


def test_findings_may_name_studies(kb, tmp_path):
    cells = [{"image": png(n), "id": f"i{n}", "study_id": f"s{n // 2}"} for n in range(4)]
    pq.write_table(pa.Table.from_pylist(cells), tmp_path / "t.parquet")
    found = {"s0": (Finding(category="mass"),), "s1": ()}
    build_hub(tmp_path / "t.parquet", tmp_path / "set", kb, findings=found, options=OPTIONS)
    samples = load_prepared(tmp_path / "set", kb, size=16).samples
    assert {s.id: len(s.findings) for s in samples} == {"i0": 1, "i1": 1, "i2": 0, "i3": 0}


def test_cells_without_an_image_are_listed(kb, tmp_path):
    cells = [
        {"id": "good", "image": {"bytes": png(1), "path": None}},
        {"id": "none", "image": None},
        {"id": "empty", "image": {"bytes": None, "path": None}},
        {"id": "bad", "image": {"bytes": b"broken", "path": None}},
        {"id": "lost", "image": {"bytes": None, "path": "lost.png"}},
    ]
    pq.write_table(pa.Table.from_pylist(cells), tmp_path / "t.parquet")
    found = {cell["id"]: () for cell in cells}
    built = build_hub(tmp_path / "t.parquet", tmp_path / "set", kb, findings=found, options=OPTIONS)
    assert built.images == 1
    assert {entry.file: entry.reason for entry in built.skipped} == {
        "none": "the cell of column 'image' is empty",
        "empty": "the cell of column 'image' is empty",
        "bad": "not an image of a known format",
        "lost": "no such file",
    }


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        ("t.csv", b"img\na\n", r"has no column 'image'; it has 'img'"),
        ("t.csv", b"image\n", r"has no row"),
        ("t.csv", b"image,findings,split\na.png,x,trian\n", r"image 'a': split 'trian'; allowed"),
        ("t.csv", b"\xff\xfe\x00", r"cannot read '.*t\.csv'"),
        ("t.jsonl", b"{]", r"cannot read '.*t\.jsonl'"),
        ("t.jsonl", b"[1]", r"object 1 is \[1\]"),
        ("t.parquet", b"PAR1", r"cannot read '.*t\.parquet'"),
        ("t.xlsx", b"", r"is no \.csv, \.jsonl or \.parquet"),
        ("t.csv", None, r"there is no table"),
        ("t.csv", b"image\na.png\n", r"no column 'findings' and no 'impression'"),
    ],
)
def test_a_bad_table_is_named(kb, tmp_path, name, raw, message):
    if raw is not None:
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(DataError, match=message):
        build_hub(tmp_path / name, tmp_path / "set", kb, reports=True, options=OPTIONS)


def test_a_folder_of_nothing_and_a_selection_are_named(kb, tmp_path):
    with pytest.raises(DataError, match=r"is no folder that datasets saved"):
        build_hub(tmp_path, tmp_path / "set", kb, reports=True, options=OPTIONS)
    (tmp_path / "state.json").write_text('{"_indices_data_files": [{"filename": "x"}]}')
    with pytest.raises(DataError, match=r"was saved with a selection of rows"):
        build_hub(tmp_path, tmp_path / "set", kb, reports=True, options=OPTIONS)


def test_something_must_say_what_the_images_show(kb, tmp_path):
    (tmp_path / "t.csv").write_text("image\na.png\n")
    with pytest.raises(DataError, match=r"give a findings\.jsonl, or keep the report texts"):
        build_hub(tmp_path / "t.csv", tmp_path / "set", kb, options=OPTIONS)


def test_a_name_needs_the_extra_and_a_hub(kb, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"install the extra medfilip-model\[hub\]"):
        build_hub("someone/films", tmp_path / "set", kb, reports=True)

    class Hub:
        @staticmethod
        def load_dataset(name):
            raise ConnectionError("no route to the hub\nand much more")

    monkeypatch.setitem(sys.modules, "datasets", Hub)
    with pytest.raises(
        DataError, match=r"'someone/films' .* cannot be fetched: no route to the hub;"
    ):
        build_hub("someone/films", tmp_path / "set", kb, reports=True)
