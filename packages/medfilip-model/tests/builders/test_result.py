import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from medfilip_model.builders import BuildOptions, shards
from medfilip_model.builders.items import Item, file_state
from medfilip_model.builders.result import build
from medfilip_model.data.format import SCHEMA
from medfilip_model.data.samples import Sample
from medfilip_model.data.shards import load_prepared
from medfilip_model.errors import DataError
from medfilip_model.progress import Silent

OPTIONS = BuildOptions(size=16, encoding="png", shard_rows=3, workers=1)


class Counting(Silent):
    def __init__(self):
        self.total, self.done = 0, 0
        self.notes = []

    def note(self, text):
        self.notes.append(text)

    def start(self, what, total, unit):
        self.total = total

    def advance(self, steps):
        self.done += steps


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.*")}


def rewritten(draft, folder):
    """The same draft after its files were changed."""
    items = [replace(i, state=file_state(folder, str(i.place))) for i in draft.items]
    return replace(draft, items=items)


def test_what_is_written_is_what_was_given(draft, kb, tmp_path):
    built = build(draft, tmp_path / "set", OPTIONS, Silent())
    assert built.splits == {"train": 12, "valid": 4, "test": 4}
    assert built.patients == built.splits
    assert built.counts == {"mass": {"train": 6, "valid": 2, "test": 2}}
    assert len(built.shards) == 4 + 2 + 2
    images = load_prepared(tmp_path / "set", kb, size=16)
    stored = {sample.id: (sample, images.pixels[np.array([n])][0]) for n, sample in
              enumerate(images.samples)}  # fmt: skip
    for item in draft.items:
        sample, pixels = stored[item.sample.id]
        assert replace(sample, study_id=None) == item.sample
        assert (pixels == 10 * int(item.sample.id)).all()
    with pa.memory_map(str(tmp_path / "set" / built.shards[0].file)) as file:
        table = pa.ipc.open_file(file).read_all()
    assert table.schema.equals(SCHEMA, check_metadata=True)
    assert table.column("width").to_pylist() == [40] * 3
    assert table.column("height").to_pylist() == [30] * 3


def test_the_bytes_do_not_depend_on_the_number_of_workers(draft, tmp_path):
    one = build(draft, tmp_path / "one", OPTIONS, Silent())
    listener = Counting()
    build(draft, tmp_path / "two", OPTIONS.model_copy(update={"workers": 2}), listener)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert listener.done == listener.total == one.images


def test_what_cannot_be_read_is_listed_and_the_rest_is_there(draft, files, tmp_path):
    (files / "00.png").write_bytes(b"")
    (files / "01.png").unlink()
    (files / "02.png").unlink()
    (files / "02.png").mkdir()
    built = build(rewritten(draft, files), tmp_path / "set", OPTIONS, Silent())
    assert built.images == 17
    assert [(entry.file, entry.reason) for entry in built.skipped] == [
        ("00.png", "not an image of a known format"),
        ("01.png", "no such file"),
        ("02.png", "it is a folder"),
    ]
    written = json.loads((tmp_path / "set" / "dataset.json").read_text())
    assert written["skipped"][0]["file"] == "00.png"
    assert sum(shard["rows"] for shard in written["shards"]) == 17
    again = build(rewritten(draft, files), tmp_path / "set", OPTIONS, Silent())
    assert again.skipped == built.skipped
    assert again.reused == len(again.shards)


def test_nothing_that_can_be_read_is_an_error(draft, files, tmp_path):
    for path in files.iterdir():
        path.write_bytes(b"broken")
    with pytest.raises(DataError, match=r"not one of the 20 images of drawn can be read; the fir"):
        build(rewritten(draft, files), tmp_path / "set", OPTIONS, Silent())
    assert not (tmp_path / "set" / "dataset.json").exists()


def test_only_what_changed_is_made_anew(draft, files, tmp_path):
    out = tmp_path / "set"
    build(draft, out, OPTIONS, Silent())
    before = content(out)
    (files / "04.png").write_bytes((files / "19.png").read_bytes())
    os.utime(files / "04.png", ns=(1, 1))
    built = build(rewritten(draft, files), out, OPTIONS, Silent())
    changed = {str(path) for path, raw in content(out).items() if before[path] != raw}
    assert changed == {"shards/test-00000.arrow", "shards/test-00000.json", "dataset.json"}
    assert built.reused == 7


@pytest.mark.parametrize("change", ["size", "fit", "encoding", "findings", "fewer"])
def test_a_shard_is_kept_only_for_the_same_input(draft, tmp_path, change):
    out = tmp_path / "set"
    build(draft, out, OPTIONS, Silent())
    options, items = OPTIONS, list(draft.items)
    if change in ("size", "fit", "encoding"):
        told = {"size": 20, "fit": "pad", "encoding": "jpeg"}
        options = OPTIONS.model_copy(update={change: told[change]})
    elif change == "findings":
        items = [replace(i, sample=replace(i.sample, findings=None)) for i in items]
    else:
        items = items[5:]
    changed = replace(draft, items=items)
    assert build(changed, out, options, Silent()).reused == 0
    build(changed, tmp_path / "fresh", options, Silent())
    assert content(out) == content(tmp_path / "fresh")


@pytest.mark.parametrize("damage", ["cut", "note", "gone"])
def test_a_damaged_shard_is_made_anew(draft, tmp_path, damage):
    out = tmp_path / "set"
    build(draft, out, OPTIONS, Silent())
    whole = content(out)
    shard = out / "shards" / "train-00001.arrow"
    if damage == "cut":
        shard.write_bytes(shard.read_bytes()[:-1])
    elif damage == "note":
        shard.with_suffix(".json").write_text('{"key": 3}')
    else:
        shard.unlink()
    assert build(draft, out, OPTIONS, Silent()).reused == 7
    assert content(out) == whole


def test_a_changed_byte_is_mended_where_hashes_are_compared(draft, tmp_path):
    out = tmp_path / "set"
    build(draft, out, OPTIONS, Silent())
    whole = content(out)
    shard = out / "shards" / "train-00001.arrow"
    changed = bytearray(shard.read_bytes())
    changed[len(changed) // 2] ^= 255
    shard.write_bytes(changed)
    assert build(draft, out, OPTIONS, Silent()).reused == 8
    assert content(out) != whole
    listener = Counting()
    checked = OPTIONS.model_copy(update={"verify": True})
    assert build(draft, out, checked, listener).reused == 7
    assert listener.notes == [
        "shards/train-00001.arrow was changed, or what goes into it was: it is made anew"
    ]
    assert content(out) == whole


def test_a_full_disk_is_named_and_what_is_finished_stays(draft, tmp_path, monkeypatch):
    out, real = tmp_path / "set", shards._columns
    calls = []

    def full(items, encoded):
        calls.append(1)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(items, encoded)

    with monkeypatch.context() as patch:
        patch.setattr(shards, "_columns", full)
        with pytest.raises(DataError, match=r"no space left for .*train-00002\.arrow"):
            build(draft, out, OPTIONS, Silent())
    assert sorted(path.name for path in (out / "shards").iterdir()) == [
        "train-00000.arrow", "train-00000.json", "train-00001.arrow", "train-00001.json",
    ]  # fmt: skip
    assert build(draft, out, OPTIONS, Silent()).reused == 2


def test_a_set_that_is_being_changed_does_not_look_complete(draft, files, tmp_path, monkeypatch):
    out = tmp_path / "set"
    build(draft, out, OPTIONS, Silent())

    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(shards, "_columns", dies)
    changed = replace(draft, items=draft.items[1:])
    with pytest.raises(KeyboardInterrupt):
        build(changed, out, OPTIONS, Silent())
    assert not (out / "dataset.json").exists()
    assert not list((out / "shards").glob("*.tmp"))


def test_a_folder_of_something_else_is_left_alone(draft, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(DataError, match="is not empty and no prepared data set"):
        build(draft, tmp_path / "mine", OPTIONS, Silent())
    with pytest.raises(DataError, match=r"thesis\.txt' is a file"):
        build(draft, tmp_path / "mine" / "thesis.txt", OPTIONS, Silent())


def test_patients_and_ids_are_checked(draft, tmp_path):
    items = draft.items
    torn = [
        items[0],
        Item(Sample("x", items[0].sample.patient_id, "test", ()), "x", ""),
        *items[1:],
    ]
    with pytest.raises(DataError, match=r"patient 'p0' has images in 'test' and 'train' \(1 such"):
        build(replace(draft, items=torn), tmp_path / "set", OPTIONS, Silent())
    with pytest.raises(DataError, match="image id '00' occurs more than once"):
        build(replace(draft, items=[items[0], items[0]]), tmp_path / "set", OPTIONS, Silent())
    with pytest.raises(DataError, match="drawn gives not one image"):
        build(replace(draft, items=[]), tmp_path / "set", OPTIONS, Silent())
    assert not (tmp_path / "set").exists()


SCRIPT = """
import sys
from pathlib import Path
from iki_knowledge import load_knowledge
from medfilip_model.builders import BuildOptions, build_phantoms

if __name__ == "__main__":
    options = BuildOptions(size=32, shard_rows=5, workers=2)
    build_phantoms(int(sys.argv[2]), Path(sys.argv[1]), load_knowledge(), options=options)
"""


def test_a_killed_run_goes_on_where_it_was_and_leaves_no_process(kb, tmp_path):
    from medfilip_model.builders import build_phantoms

    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    out, count = tmp_path / "set", 72
    run = subprocess.Popen([sys.executable, str(script), str(out), str(count)])
    until = time.monotonic() + 60
    while not (out / "shards" / "train-00000.json").exists():
        assert run.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < until, "not one shard in a minute"
        time.sleep(0.01)
    children = _children(run.pid)
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert len(children) >= 2
    while any(_alive(child) for child in children):
        assert time.monotonic() < until, "workers outlive the process that they work for"
        time.sleep(0.05)
    assert not (out / "dataset.json").exists()
    times = {path: path.stat().st_mtime_ns for path in (out / "shards").glob("*.json")}
    options = BuildOptions(size=32, shard_rows=5, workers=1)
    built = build_phantoms(count, out, kb, options=options)
    assert len(times) <= built.reused < len(built.shards)
    assert {path: path.stat().st_mtime_ns for path in times} == times
    build_phantoms(count, tmp_path / "whole", kb, options=options)
    assert content(out) == content(tmp_path / "whole")


def _children(pid):
    found = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True)
    return [int(word) for word in found.stdout.split()]


def _alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
