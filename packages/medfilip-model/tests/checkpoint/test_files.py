from pathlib import Path

import pytest
from medfilip_model.checkpoint import files


def test_an_interrupted_write_leaves_no_file(tmp_path: Path, monkeypatch):
    def dies(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", dies)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomic(tmp_path / "a", b"content")
    assert list(tmp_path.iterdir()) == []
