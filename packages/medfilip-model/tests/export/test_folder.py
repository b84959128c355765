from pathlib import Path

import pytest
from medfilip_model.export.folder import RECORD, fresh_folder, names_in, write_record
from medfilip_model.export.result import Check, ExportError


def write(out: Path, text: str) -> None:
    with fresh_folder(out) as folder:
        (folder / "part").mkdir()
        (folder / "part" / "a.txt").write_text(text)
        write_record(folder, "timm", [Check("a", 0.0, 1.0)], "0" * 64)


def test_an_earlier_export_is_replaced_as_a_whole(tmp_path: Path):
    out = tmp_path / "deep" / "out"
    write(out, "one")
    write(out, "two")
    assert (out / "part" / "a.txt").read_text() == "two"
    assert names_in(out) == (RECORD, "part/a.txt")
    assert list(out.parent.iterdir()) == [out]


def test_an_empty_folder_is_taken(tmp_path: Path):
    (tmp_path / "out").mkdir()
    write(tmp_path / "out", "one")
    assert (tmp_path / "out" / RECORD).is_file()


@pytest.mark.parametrize("foreign", ["notes.txt", "part/own.txt"])
def test_a_folder_with_foreign_files_is_refused_and_left(tmp_path: Path, foreign: str):
    write(tmp_path / "out", "one")
    (tmp_path / "out" / foreign).write_text("mine")
    with pytest.raises(ExportError, match=f"holds '{foreign}', which no export wrote"):
        write(tmp_path / "out", "two")
    assert (tmp_path / "out" / foreign).read_text() == "mine"
    assert (tmp_path / "out" / "part" / "a.txt").read_text() == "one"


@pytest.mark.parametrize("record", ["", "[]", '{"format": "other", "files": [{"file": "a.txt"}]}'])
def test_a_record_of_something_else_vouches_for_nothing(tmp_path: Path, record: str):
    (tmp_path / "a.txt").write_text("mine")
    (tmp_path / RECORD).write_text(record)
    with pytest.raises(ExportError, match=r"holds 'a.txt' and 1 more"):
        write(tmp_path, "two")


def test_a_file_in_its_place_is_refused(tmp_path: Path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ExportError, match="is no folder"):
        write(tmp_path / "out", "two")


def test_a_failure_leaves_the_earlier_export_and_no_litter(tmp_path: Path):
    write(tmp_path / "out", "one")

    def fails() -> None:
        with fresh_folder(tmp_path / "out") as folder:
            (folder / "half").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]
    assert (tmp_path / "out" / "part" / "a.txt").read_text() == "one"


def test_a_failed_rename_puts_the_earlier_export_back(tmp_path: Path, monkeypatch):
    write(tmp_path / "out", "one")
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self.suffix == ".partial":
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "out", "two")
    assert (tmp_path / "out" / "part" / "a.txt").read_text() == "one"
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]
