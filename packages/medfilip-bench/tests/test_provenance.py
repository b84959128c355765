"""Hashes of the code: what measures, and what only shows."""

import shutil
from pathlib import Path

import medfilip_bench
import pytest
from medfilip_bench import provenance


@pytest.fixture
def changed(tmp_path, monkeypatch):
    """Both hashes after a line was added to a file of a copy of the package."""
    package = tmp_path / "medfilip_bench"
    shutil.copytree(Path(medfilip_bench.__file__).parent, package)
    monkeypatch.setattr(provenance, "_MODULES", ("medfilip_bench",))
    monkeypatch.setattr(medfilip_bench, "__file__", str(package / "__init__.py"))

    def hashes(place=None):
        if place:
            with (package / place).open("a", encoding="utf-8") as stream:
                stream.write("\n")
        return provenance.code_hash.__wrapped__(), provenance.report_hash.__wrapped__()

    return hashes


@pytest.mark.parametrize(
    ("place", "measures", "shows"),
    [
        ("runner.py", True, False),
        ("report/page.py", False, True),
        ("report/templates/report.css", False, True),
        ("report/templates/report.html.j2", False, True),
    ],
)
def test_what_measures_and_what_shows_are_told_apart(changed, place, measures, shows):
    code, report = changed()
    assert changed() == (code, report)
    other_code, other_report = changed(place)
    assert (other_code != code, other_report != report) == (measures, shows)
