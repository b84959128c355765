import os
from pathlib import Path

import pytest
from gpt_ie.atomic import atomic_text


def test_the_file_appears_at_the_end_with_the_usual_mode(tmp_path: Path):
    path = tmp_path / "x.txt"
    with atomic_text(path) as stream:
        stream.write("é\n")
        assert not path.exists()
    assert path.read_bytes() == "é\n".encode()
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path: Path):
    path = tmp_path / "x.txt"
    path.write_text("old")

    def fail() -> None:
        with atomic_text(path) as stream:
            stream.write("new")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
