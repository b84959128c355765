from pathlib import Path

import pytest
from medfilip_app import page
from medfilip_app.cli import app
from medfilip_app.errors import AppError
from typer.testing import CliRunner


def test_the_page_is_served_on_loopback_by_default(run: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[dict[str, object]] = []

    def serve(loaded, *, ready, **options):
        asked.append({"name": loaded.name, **options})
        ready("http://127.0.0.1:7860/")

    monkeypatch.setattr(page, "serve", serve)
    result = CliRunner().invoke(app, ["serve", "--run", str(run)])
    assert (result.exit_code, result.stdout) == (0, "http://127.0.0.1:7860/\n")
    assert asked == [{"name": "tiny", "host": "127.0.0.1", "port": 7860}]


def test_another_address_and_device_are_passed_on(run: Path, monkeypatch: pytest.MonkeyPatch):
    asked: list[dict[str, object]] = []
    monkeypatch.setattr(page, "serve", lambda _, **options: asked.append(options))
    words = ["serve", "--run", str(run), "--host", "::1", "--port", "0"]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert {name: asked[0][name] for name in ("host", "port")} == {"host": "::1", "port": 0}
    told = CliRunner().invoke(app, [*words, "--device", "abacus"])
    assert told.exit_code == 2
    assert "device 'abacus' cannot be used" in told.stderr


def test_a_run_that_is_missing_is_said(tmp_path: Path):
    result = CliRunner().invoke(app, ["serve", "--run", str(tmp_path / "none")])
    assert result.exit_code == 2
    assert "error: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_port_that_is_taken_is_said(run: Path, monkeypatch: pytest.MonkeyPatch):
    def serve(*_, **__):
        raise AppError("cannot listen")

    monkeypatch.setattr(page, "serve", serve)
    result = CliRunner().invoke(app, ["serve", "--run", str(run)])
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (2, "error: cannot listen")
