import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from gpt_ie.lock import AlreadyLockedError, open_locked

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no locks on Windows")


def test_one_holder_at_a_time_and_only_the_owner_reads(tmp_path: Path):
    path = tmp_path / "x"
    path.touch(0o644)
    handle = open_locked(path)
    try:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(AlreadyLockedError):
            open_locked(path)
    finally:
        os.close(handle)
    os.close(open_locked(path))


def test_the_lock_goes_with_its_process(tmp_path: Path):
    code = """
import os, pathlib, signal, sys
from gpt_ie.lock import open_locked
open_locked(pathlib.Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "x"], check=False)
    assert done.returncode == -9
    os.close(open_locked(tmp_path / "x"))


def test_a_file_that_its_holder_removed_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "x"
    real = os.open
    removed: list[Path] = []

    def removed_meanwhile(*args: object) -> int:
        handle = real(*args)  # pyright: ignore[reportArgumentType, reportCallIssue] - passed on
        if not removed:
            removed.append(path)
            path.unlink()
        return handle

    monkeypatch.setattr(os, "open", removed_meanwhile)
    handle = open_locked(path)
    assert os.path.samestat(os.fstat(handle), path.stat())
    os.close(handle)
