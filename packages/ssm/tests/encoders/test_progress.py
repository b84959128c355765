import re

from ssm.encoders.progress import progress_bar


def run(show):
    with progress_bar(show=show) as bar:
        task = bar.add_task("encode with x", total=30)
        for _ in range(3):
            bar.advance(task, 10)


def test_a_terminal_sees_texts_a_second_and_time_left(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # which rich takes for a terminal
    monkeypatch.setenv("COLUMNS", "160")
    run(show=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", captured.err)
    assert "encode with x" in plain
    assert "30/30" in plain
    assert re.search(r"[\d,]+ texts/s", plain)
    assert re.search(r"\d:\d\d:\d\d \d:\d\d:\d\d", plain)  # elapsed, left


def test_nobody_else_sees_anything(monkeypatch, capsys):
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    run(show=True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    run(show=False)
    assert capsys.readouterr().err == ""
