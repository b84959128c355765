"""Errors in one line, plain tables, and a bar that only a terminal sees."""

from pathlib import Path

import pytest
import typer
from gpt_ie.cli.console import fail, print_table, progress, usage_errors
from gpt_ie.schema import GptIeError
from iki_knowledge import IkiError


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (GptIeError("two\n  lines"), "error: two lines"),
        (IkiError("no such entry"), "error: no such entry"),
        (FileNotFoundError(2, "No such file", "x.csv"), "error: x.csv: No such file"),
        (OSError("odd"), "error: a file: odd"),
    ],
)
def test_an_expected_error_is_one_line_and_exit_2(
    error: Exception, said: str, capsys: pytest.CaptureFixture[str]
):
    with pytest.raises(typer.Exit) as ended, usage_errors():
        raise error
    assert ended.value.exit_code == 2
    assert capsys.readouterr() == ("", f"{said}\n")


def test_an_interrupt_says_how_to_go_on(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(typer.Exit) as ended, usage_errors():
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == "stopped; the same command goes on from here\n"


def test_a_bug_is_not_hidden():
    with pytest.raises(ZeroDivisionError), usage_errors():
        raise ZeroDivisionError


def test_failing_inside_is_told_once(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(typer.Exit), usage_errors():
        fail("once")
    assert capsys.readouterr().err == "error: once\n"


def test_numbers_stand_to_the_right_and_no_line_ends_in_spaces(capsys: pytest.CaptureFixture[str]):
    print_table(["name", "count", "mixed"], [["a", "7", "3"], ["longer", "1200", "-"]])
    assert capsys.readouterr().out.splitlines() == [
        "name    count  mixed",
        "a           7  3",
        "longer   1200  -",
    ]
    print_table(["name", "count"], [])
    assert capsys.readouterr().out == "name  count\n"


def test_the_bar_goes_by_the_bytes_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "x.csv"
    path.write_bytes(b"x" * 1000)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    for terminal in ("1", "0"):
        monkeypatch.setenv("TTY_COMPATIBLE", terminal)
        with progress(path) as (on_read, on_progress):
            on_read(250)
            on_progress(99)
            on_read(500)
            on_progress(200)
            on_read(900)
            on_progress(201)
        out, err = capsys.readouterr()
        assert out == ""
        assert ("50%" in err, "200 reports" in err) == (terminal == "1",) * 2
        assert not {"25%", "90%"} & set(err.split()), "only every hundredth report draws"


def test_what_has_no_size_has_a_bar_without_an_end(tmp_path: Path):
    for source in (tmp_path, Path("-")):
        with progress(source) as (on_read, on_progress):
            on_read(10)
            on_progress(100)
