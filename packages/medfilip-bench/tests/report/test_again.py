"""A report once more: from its records, and the tasks without a result from results.json."""

import json

import pytest
from medfilip_bench.errors import ResultError
from medfilip_bench.report import write_again, write_report

FAILED, OVER = "zero_shot-cxr: no column 'file'", "probe-cxr: no trainable backbone"


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    """Without figures: they are tested elsewhere."""
    monkeypatch.setattr("medfilip_bench.report.page.figures", lambda record: ())


@pytest.fixture
def results(maker, tmp_path):
    """A results folder of one record."""
    maker().extraction().write(tmp_path / "model" / "extraction-mimic_multi-phantom.json")
    return tmp_path


@pytest.fixture
def written(maker, results):
    """The report that a whole run wrote into it."""
    return write_report([maker().extraction()], results, [FAILED], passed_over=[OVER])


@pytest.mark.parametrize("lost", ["html", "markdown"])
def test_what_is_lost_comes_back_byte_for_byte(results, written, lost):
    paths = (written.html, written.markdown, written.json, *written.latex)
    before = [path.read_bytes() for path in paths]
    getattr(written, lost).unlink()
    assert write_again(results) == written
    assert [path.read_bytes() for path in paths] == before
    page = written.html.read_text(encoding="utf-8").replace("&#39;", "'")
    assert FAILED in page
    assert OVER in page


def test_a_folder_without_results_json_names_no_task(results, written):
    written.json.unlink()
    assert FAILED not in write_again(results).markdown.read_text(encoding="utf-8")
    held = json.loads(written.json.read_text(encoding="utf-8"))
    assert (held["failures"], held["passed_over"]) == ([], [])


def test_a_results_json_that_names_no_format_is_the_first(results, written):
    held = json.loads(written.json.read_text(encoding="utf-8"))
    assert held.pop("format") == 1
    written.json.write_text(json.dumps(held), encoding="utf-8")
    written.markdown.unlink()
    page = write_again(results).markdown.read_text(encoding="utf-8")
    assert f"- {FAILED}" in page
    assert f"- {OVER}" in page


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("[]", "an object"),
        ('{"failures": []}', "passed_over: Field required"),
        ('{"passed_over": []}', "failures: Field required"),
        ('{"failures": 3, "passed_over": []}', "failures: "),
        ('{"failures": [null], "passed_over": []}', "failures.0: "),
        ('{"format": 2, "failures": [], "passed_over": []}', "format: Input should be 1"),
    ],
)
def test_a_damaged_results_json_is_refused_and_left_alone(results, held, words):
    path = results / "results.json"
    path.write_text(held, encoding="utf-8")
    with pytest.raises(ResultError) as refused:
        write_again(results)
    said = str(refused.value)
    assert words in said
    assert repr(str(path)) in said
    assert "run `medfilip-bench all` again" in said
    assert "\n" not in said
    assert path.read_text(encoding="utf-8") == held
    assert not (results / "report.html").exists()


def test_a_results_json_of_other_bytes_is_refused(results):
    (results / "results.json").write_bytes(b"\xff\x00")
    with pytest.raises(ResultError, match="does not say"):
        write_again(results)
