import pytest
from medfilip_model.progress import Listener, Silent, Terminal


def test_both_are_listeners():
    assert isinstance(Silent(), Listener)
    assert isinstance(Terminal(), Listener)


def test_notes_go_to_stderr_and_no_bar_where_there_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
):
    with Terminal() as terminal:
        terminal.note("12 [images] were skipped")
        terminal.advance(1)
        terminal.start("training", 10, "images")
        terminal.advance(10)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.strip() == "12 [images] were skipped"


def test_the_bar_shows_rate_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with Terminal() as terminal:
        terminal.start("drawing", 4, "images")
        terminal.advance(2)
        terminal.start("training", 10, "images")
        for _ in range(3):
            terminal.advance(1)
    err = capsys.readouterr().err
    assert "training" in err
    assert "3/10" in err
    assert "images/s" in err
    assert "eta" in err
