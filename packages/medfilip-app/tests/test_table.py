"""A table, file to file: what fails, what is taken over, what a kill leaves."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gpt_ie import (
    EngineError,
    ReadError,
    Rejected,
    Report,
    ReportFindings,
    RulesEngine,
    StoreError,
)
from gpt_ie.store import journal_path
from medfilip_app import check
from medfilip_app.errors import AppError
from medfilip_app.loaded import Loaded, load
from medfilip_app.record import CheckRecord
from medfilip_app.table import check_table
from medfilip_model.data.decode import load_image
from medfilip_model.errors import DataError
from PIL import Image

SENTENCES = (
    "Small left pleural effusion. No pneumothorax.",
    "Possible nodule.",
    "A mass in the right lung. Small right pleural effusion.",
)


def write_pairs(folder: Path, count: int, *more: tuple[str, str, str]) -> Path:
    """Images that get brighter and brighter, and their reports."""
    for number in range(count):
        grey = np.full((40, 40), 255 * number // count, np.uint8)
        Image.fromarray(grey).save(folder / f"{number}.png")
    rows = [(f"p{n}", f"{n}.png", SENTENCES[n % 3]) for n in range(count)]
    path = folder / "pairs.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("id", "image", "report"), *rows, *more])
    return path


class Counting:
    """In place of `compare`: as another, and it counts the images of each call."""

    def __init__(self) -> None:
        self.compare = check.compare
        self.calls: list[int] = []

    def __call__(self, model: object, pixels: Sequence[object], *rest: object) -> object:
        self.calls.append(len(pixels))
        return self.compare(model, pixels, *rest)  # type: ignore[arg-type]


@pytest.fixture
def counted(foresee: None, monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting = Counting()
    monkeypatch.setattr(check, "compare", counting)
    return counting


def records(out: Path) -> list[CheckRecord]:
    return [CheckRecord.model_validate_json(line) for line in out.read_text("utf-8").splitlines()]


def test_every_pair_is_judged_in_batches_and_written_in_order(
    loaded: Loaded, counted: Counting, tmp_path: Path
):
    out = tmp_path / "checks.jsonl"
    summary = check_table(loaded, write_pairs(tmp_path, 7), out, batch=3)
    assert counted.calls == [3, 3, 1]
    told = records(out)
    assert [(one.report_id, one.image) for one in told] == [(f"p{n}", f"{n}.png") for n in range(7)]
    greys = [one.statements[0].probability for one in told]
    assert greys == sorted(greys, key=lambda grey: grey or 0)
    assert len(set(greys)) == 7
    assert [one.finding.evidence.text for one in told[1].statements if one.finding.evidence] == [
        "nodule"
    ]
    assert (summary.pairs, summary.failed, summary.resumed) == (7, 0, 0)
    assert (summary.statements, summary.supported, summary.contradicted, summary.undecided) == (
        12, 7, 3, 2,
    )  # fmt: skip
    assert summary.omissions == sum(len(one.omissions or ()) for one in told) == 4
    assert summary.failed_out is None
    assert sorted(path.name for path in tmp_path.glob("*checks*")) == ["checks.jsonl"]


def test_a_table_shows_the_model_the_middle_square_as_one_check_does(
    loaded: Loaded, counted: Counting, tmp_path: Path
):
    pairs = write_pairs(tmp_path, 1)
    wide = np.zeros((40, 80), np.uint8)
    wide[:, 20:60] = 204
    Image.fromarray(wide).save(tmp_path / "0.png")
    check_table(loaded, pairs, tmp_path / "checks.jsonl")
    (told,) = records(tmp_path / "checks.jsonl")
    seen = float(load_image(tmp_path / "0.png", 32).mean()) / 255
    assert told.statements[0].probability == round(seen, 3) > 0.75


def test_what_fails_is_written_with_its_reason_and_the_others_go_on(
    loaded: Loaded, counted: Counting, tmp_path: Path
):
    (tmp_path / "text.png").write_text("Mrs Doe", encoding="utf-8")
    pairs = write_pairs(
        tmp_path,
        2,
        ("gone", "gone.png", "A mass of Mrs Doe."),
        ("p1", "0.png", "A mass of Mrs Doe."),
        ("text", "text.png", "A mass."),
        ("empty", "0.png", "  "),
        ("folder", ".", "A mass."),
        ("last", "1.png", "A mass."),
    )
    out = tmp_path / "checks.jsonl"
    summary = check_table(loaded, pairs, out)
    assert [one.report_id for one in records(out)] == ["p0", "p1", "last"]
    assert (summary.pairs, summary.failed) == (8, 5)
    failed = tmp_path / "checks.failed.jsonl"
    assert summary.failed_out == failed
    told = [json.loads(line) for line in failed.read_text("utf-8").splitlines()]
    assert {one["report_id"]: (one["row"], one["reason"]) for one in told} == {
        "gone": (4, "cannot read image 'gone.png': no such file"),
        "p1": (
            5,
            "the report id 'p1' of row 5 was already in row 3: give each report its own id; the "
            "first is kept",
        ),
        "text": (6, "cannot read image 'text.png': not an image of a known format"),
        "empty": (7, "the report is empty: no text in 'text'"),
        "folder": (8, "cannot read image '.': it is a folder"),
    }
    assert [one.report_id for one in summary.first_failures] == [one["report_id"] for one in told]


def test_a_report_that_the_engine_cannot_read_fails(
    loaded: Loaded, counted: Counting, tmp_path: Path
):
    class Picky:
        name = key = "picky@1"

        def extract(self, report: Report) -> ReportFindings:
            if report.report_id == "p0":
                raise EngineError("no answer")
            return ReportFindings(report_id=report.report_id, engine=self.name)

    out = tmp_path / "checks.jsonl"
    summary = check_table(loaded, write_pairs(tmp_path, 2), out, engine=Picky())
    assert summary.engine == "picky@1"
    assert summary.first_failures == (Rejected("p0", 2, "no answer"),)
    assert [one.report_id for one in records(out)] == ["p1"]


class Renamed:
    """An engine with another key, as another version of it has."""

    def __init__(self, engine: RulesEngine) -> None:
        self.name, self.key = engine.name, f"{engine.key}!"
        self.extract = engine.extract


def interrupt(monkeypatch: pytest.MonkeyPatch, counted: Counting, after: int) -> None:
    """Stop in the batch after so many."""

    def compare(*arguments: object) -> object:
        if len(counted.calls) >= after:
            raise DataError("out of memory")
        return counted(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(check, "compare", compare)


def test_a_run_that_was_cut_off_goes_on(
    loaded: Loaded, counted: Counting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pairs, out = write_pairs(tmp_path, 6, ("x", "x.png", "A mass.")), tmp_path / "checks.jsonl"
    with monkeypatch.context() as patch:
        interrupt(patch, counted, 2)
        with pytest.raises(DataError, match="out of memory"):
            check_table(loaded, pairs, out, batch=2)
    assert not out.exists()
    assert counted.calls == [2, 2]
    # Another place in the table is the same pair; another image of the same name is not.
    lines = pairs.read_text("utf-8").splitlines()
    pairs.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n", encoding="utf-8")
    Image.fromarray(np.zeros((40, 40), np.uint8)).save(tmp_path / "3.png")
    os.utime(tmp_path / "3.png", (1, 1))
    summary = check_table(loaded, pairs, out, batch=2)
    assert counted.calls == [2, 2, 2, 1]
    assert (summary.pairs, summary.resumed, summary.failed) == (7, 3, 1)
    told = records(out)
    assert [one.report_id for one in told] == [f"p{n}" for n in (5, 4, 3, 2, 1, 0)]
    assert told[2].statements[0].probability == 0.0
    # The counts are those of all pairs, whoever judged them.
    assert summary.statements == sum(len(one.statements) for one in told)
    assert summary.contradicted == 2


@pytest.mark.parametrize("change", ["nothing", "no resume", "weights", "name", "engine", "image"])
def test_only_what_the_same_run_answered_is_taken_over(
    loaded: Loaded,
    run: Path,
    counted: Counting,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
):
    pairs, out = write_pairs(tmp_path, 4), tmp_path / "checks.jsonl"
    with monkeypatch.context() as patch:
        interrupt(patch, counted, 1)
        with pytest.raises(DataError):
            check_table(loaded, pairs, out, batch=2)
    then = load(run)
    if change == "weights":
        next(then.model.parameters()).data[0] += 1
    if change == "name":
        then = replace(then, name="other")
    engine = RulesEngine(then.kb)
    if change == "engine":
        engine = Renamed(engine)
    if change == "image":
        # Other names of the same files: as large, and changed at the same time.
        for number in range(4):
            (tmp_path / f"{number}.png").rename(tmp_path / f"{number}.PNG")
        table = pairs.read_text("utf-8").replace(".png", ".PNG")
        pairs.write_text(table, encoding="utf-8")
    summary = check_table(then, pairs, out, engine=engine, resume=change != "no resume")
    assert summary.resumed == (2 if change == "nothing" else 0)
    assert sum(counted.calls) == (4 if change == "nothing" else 6)


def test_where_omissions_cannot_be_told_none_are_counted(
    bare: Path, counted: Counting, tmp_path: Path
):
    summary = check_table(load(bare), write_pairs(tmp_path, 2), tmp_path / "checks.jsonl")
    assert summary.omissions is None


SCRIPT = """
import os, sys, time
from pathlib import Path

sys.path.insert(0, sys.argv[1])
import conftest
from medfilip_app import check
from medfilip_app.loaded import load
from medfilip_app.table import check_table

def slow(*arguments):
    os.write(1, b".")
    time.sleep(0.05)
    return conftest.foreseen(*arguments)

check.compare = slow
folder = Path(sys.argv[3])
check_table(load(Path(sys.argv[2])), folder / "pairs.csv", folder / "checks.jsonl", batch=2)
"""


def test_killed_and_taken_up_again_nothing_is_lost_or_done_twice(
    loaded: Loaded, run: Path, counted: Counting, tmp_path: Path
):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for folder in (killed, whole):
        folder.mkdir()
        write_pairs(folder, 40, ("x", "x.png", "A mass."))
    command = [sys.executable, "-c", SCRIPT, Path(__file__).parent, run, killed]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(6) == b"......"
        process.kill()
    out = killed / "checks.jsonl"
    assert not out.exists()
    done = journal_path(out).read_bytes().count(b"\n") - 1
    assert 10 <= done < 40
    assert check_table(loaded, killed / "pairs.csv", out).resumed == done
    assert sum(counted.calls) == 40 - done
    check_table(loaded, whole / "pairs.csv", whole / "checks.jsonl")
    for name in ("checks.jsonl", "checks.failed.jsonl"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    assert not journal_path(out).exists()


def test_the_listener_hears_every_pair(loaded: Loaded, counted: Counting, tmp_path: Path):
    heard: list[object] = []

    class Ear:
        def note(self, text: str) -> None:
            raise AssertionError(text)

        def start(self, what: str, total: int, unit: str) -> None:
            heard.append((what, total, unit))

        def advance(self, steps: int) -> None:
            heard.append(steps)

    pairs = write_pairs(tmp_path, 3, ("x", "x.png", "A mass."))
    check_table(loaded, pairs, tmp_path / "checks.jsonl", listener=Ear())
    assert heard == [("checking", 4, "pairs"), 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (".", "is a folder; name a file in it"),
        ("no/checks.jsonl", "there is no folder"),
        ("pairs.csv", "is the table itself; name another"),
    ],
)
def test_an_output_that_cannot_be_is_refused_at_once(
    loaded: Loaded, counted: Counting, tmp_path: Path, out: str, message: str
):
    pairs = write_pairs(tmp_path, 1)
    before = pairs.read_bytes()
    with pytest.raises(AppError, match=message):
        check_table(loaded, pairs, tmp_path / out)
    assert counted.calls == []
    assert pairs.read_bytes() == before


def test_what_is_wrong_at_the_end_of_a_table_is_found_before_any_work(
    loaded: Loaded, counted: Counting, tmp_path: Path
):
    pairs = write_pairs(tmp_path, 3)
    pairs.write_bytes(pairs.read_bytes() + b'x,0.png,"caf\xe9"\n')
    with pytest.raises(ReadError, match=r"line 5, .*0xe9 is not UTF-8"):
        check_table(loaded, pairs, tmp_path / "checks.jsonl", batch=1)
    assert counted.calls == []
    assert not journal_path(tmp_path / "checks.jsonl").exists()


def test_an_output_that_another_run_is_writing_is_left_alone(
    loaded: Loaded, counted: Counting, tmp_path: Path
):
    from gpt_ie.store import Journal

    out = tmp_path / "checks.jsonl"
    with Journal(out), pytest.raises(StoreError, match="another run is writing"):
        check_table(loaded, write_pairs(tmp_path, 1), out)
