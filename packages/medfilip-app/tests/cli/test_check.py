"""``medfilip-app check``: what it prints, what it writes, and what it says of hostile input."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from medfilip_app import check
from medfilip_app.cli import app
from medfilip_model.calibration import as_json, read_calibration
from medfilip_model.checkpoint import LAST, load_checkpoint, save_checkpoint
from medfilip_model.consistency import compare
from PIL import Image
from typer.testing import CliRunner, Result

pytestmark = pytest.mark.usefixtures("foresee")


def invoke(*words: object, width: int = 120) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(app, ["check", *map(str, words)])


def line(result: Result) -> str:
    """The one line on stderr of an expected error; no traceback, nothing on stdout."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (told,) = result.stderr.splitlines()
    assert told.startswith("error: ")
    return told


def test_a_report_against_an_image(run: Path, image: Path, report: Path):
    result = invoke("--image", image, "--report", report, "--run", run)
    # Contradictions are an answer, not a failure.
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].split("  ")[0] == "verdict"
    assert [row.split()[0] for row in lines[1:4]] == ["contradicted", "undecided", "supported"]
    assert "“Small left pleural effusion”" in lines[1]
    assert lines[1].rstrip().endswith("right")
    assert "pneumonia" not in result.stdout
    assert "cardiomegaly" in result.stdout
    assert result.stdout.rstrip().endswith("Not for clinical use.")


def test_the_same_as_json(run: Path, image: Path, report: Path):
    result = invoke("--image", image, "--report", report, "--run", run, "--json")
    assert result.exit_code == 0, result.stderr
    (text,) = result.stdout.splitlines()
    told = json.loads(text)
    assert (told["report_id"], told["image"]) == ("report", str(image))
    assert [one["verdict"] for one in told["statements"]] == [
        "contradicted",
        "undecided",
        "supported",
    ]
    written = report.read_text("utf-8")
    for one in told["statements"]:
        evidence = one["finding"]["evidence"]
        assert evidence["text"] == written[evidence["start"] : evidence["end"]]


def test_a_picture_of_what_the_check_is_about(run: Path, image: Path, report: Path, tmp_path: Path):
    out = tmp_path / "maps" / "out.png"
    result = invoke("--image", image, "--report", report, "--run", run, "--heatmap", out)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.rstrip().endswith(f"see {out}")
    with Image.open(out) as drawn:
        assert drawn.width > 4 * 288


def test_a_run_without_calibration_says_so(bare: Path, image: Path, report: Path):
    result = invoke("--image", image, "--report", report, "--run", bare, "--json")
    assert result.exit_code == 0
    assert result.stderr == f"{bare} has no calibration: nothing can be decided\n"


def test_a_run_without_what_judges_sides_says_so(
    run: Path, image: Path, report: Path, tmp_path: Path
):
    checkpoint = load_checkpoint(run)
    calibration = read_calibration(checkpoint.extra)
    assert calibration is not None
    older = calibration.model_copy(update={"statements": None})
    save_checkpoint(tmp_path / "older" / LAST, checkpoint.model, {}, as_json(older))
    result = invoke("--image", image, "--report", report, "--run", tmp_path / "older", "--json")
    assert result.exit_code == 0
    assert "sides, severities and omissions stay open; train it again" in result.stderr
    assert json.loads(result.stdout)["omissions"] is None


def test_with_the_models_own_verdicts(
    run: Path, bare: Path, image: Path, report: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(check, "compare", compare)
    for folder in (run, bare):
        shown = invoke("--image", image, "--report", report, "--run", folder)
        assert shown.exit_code == 0, shown.stderr
        result = invoke("--image", image, "--report", report, "--run", folder, "--json")
        told = json.loads(result.stdout)
        slots = {
            one["finding"]["category"]: [(slot["slot"], slot["evidence"]) for slot in one["slots"]]
            for one in told["statements"]
        }
        assert {name: [slot for slot, _ in found] for name, found in slots.items()} == {
            "pleural_effusion": ["presence", "side", "severity"],
            "nodule": ["presence"],
            "pneumothorax": ["presence"],
        }
        decided = [evidence is not None for _, evidence in slots["pleural_effusion"]]
        assert decided == [folder == run] * 3
        assert (told["omissions"] is None) == (folder == bare)
    assert {one["verdict"] for one in told["statements"]} == {"undecided"}


def write_table(folder: Path, *rows: tuple[str, ...]) -> Path:
    path = folder / "pairs.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("id", "image", "report"), *rows])
    return path


def test_a_table_and_its_summary(run: Path, image: Path, tmp_path: Path):
    rows = [
        ("a", image.name, "Small left effusion. No pneumothorax."),
        ("b", image.name, "Possible nodule."),
        ("c", "gone.png", "Mrs Doe has a mass."),
    ]
    pairs = write_table(tmp_path, *rows)
    result = invoke(pairs, "--run", run)
    assert result.exit_code == 1
    out, failed = tmp_path / "pairs.checks.jsonl", tmp_path / "pairs.checks.failed.jsonl"
    lines = result.stdout.splitlines()
    assert lines[:6] == [
        "pairs         3 (1 failed)",
        "statements    3",
        "supported     1",
        "contradicted  1",
        "undecided     1",
        "omissions     2",
    ]
    assert lines[6].endswith("Not for clinical use.")
    assert lines[7].startswith(f"written to {out} in ")
    assert result.stderr.splitlines() == [
        "failed: 'c' (row 4): cannot read image 'gone.png': no such file",
        f"1 of 3 pairs failed; they are in {failed} with the reasons",
    ]
    assert len(out.read_text("utf-8").splitlines()) == 2
    for text in (result.output, failed.read_text("utf-8")):
        assert "Doe" not in text


def test_the_summary_as_json(run: Path, image: Path, tmp_path: Path):
    pairs = write_table(tmp_path, ("a", image.name, "A mass."))
    out = tmp_path / "x.jsonl"
    result = invoke(pairs, "--out", out, "--run", run, "--json", "--id", "image", "--batch", 1)
    assert result.exit_code == 0, result.stderr
    told = json.loads(result.stdout)
    assert told.pop("seconds") > 0
    assert told == {
        "out": str(out),
        "failed_out": None,
        "engine": json.loads(out.read_text("utf-8"))["engine"],
        "model": {"run": "tiny", "trained_on": "64 phantoms, 2 epochs", "phantom": True},
        "pairs": 1,
        "failed": 0,
        "resumed": 0,
        "statements": 1,
        "supported": 1,
        "contradicted": 0,
        "undecided": 0,
        "omissions": 1,
        "first_failures": [],
    }
    assert json.loads(out.read_text("utf-8"))["report_id"] == image.name


def test_options_of_a_table_reach_it(
    run: Path, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    sizes: list[int] = []
    foreseen = check.compare

    def compare_or_stop(model: object, pixels: np.ndarray, *rest: object) -> object:
        sizes.append(len(pixels))
        if len(sizes) == 2:
            raise KeyboardInterrupt
        return foreseen(model, pixels, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(check, "compare", compare_or_stop)
    pairs = write_table(tmp_path, *((name, image.name, "A mass.") for name in "abc"))
    assert invoke(pairs, "--run", run, "--batch", 2).exit_code == 130
    again = invoke(pairs, "--run", run, "--no-resume")
    assert again.stdout.splitlines()[0] == "pairs         3 (0 failed)"
    assert sizes == [2, 1, 3]
    assert invoke(pairs, "--run", run, "--batch", 0).exit_code == 2


def test_omissions_that_cannot_be_told_are_not_counted(bare: Path, image: Path, tmp_path: Path):
    result = invoke(write_table(tmp_path, ("a", image.name, "A mass.")), "--run", bare)
    assert "omissions     not known" in result.stdout.splitlines()


def test_many_failures_are_counted_and_the_first_shown(run: Path, tmp_path: Path):
    pairs = write_table(tmp_path, *((str(n), "gone.png", "A mass.") for n in range(9)))
    result = invoke(pairs, "--run", run)
    assert result.exit_code == 1
    assert result.stderr.count("failed: ") == 5
    assert "… and 4 more" in result.stderr
    assert (tmp_path / "pairs.checks.jsonl").read_bytes() == b""


def test_ctrl_c_leaves_what_is_done(
    run: Path, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    pairs = write_table(tmp_path, ("a", image.name, "A mass."), ("b", "gone.png", "A mass."))
    with monkeypatch.context() as patch:
        patch.setattr(check, "compare", stop)
        result = invoke(pairs, "--run", run)
    assert result.exit_code == 130
    assert result.stderr == "stopped; the same command goes on from here\n"
    again = invoke(pairs, "--run", run)
    assert "2 (1 failed, 1 of them taken over from a run cut off)" in again.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        ("Épanchement".encode("latin-1"), "byte 0, 0xc9, is not UTF-8: convert the file"),
        ("A mass.".encode("utf-16"), "the file is UTF-16, not UTF-8"),
        (b"A mass.\0", "the file holds a NUL byte: it is no text"),
        (b"A mass. " * 600_000, "the file is larger than 4 MiB: this is no report"),
        (None, "cannot read the file: No such file or directory"),
        ("folder", "is not a regular file"),
        ("fifo", "is not a regular file"),
    ],
    ids=["nothing", "blank", "latin-1", "utf-16", "nul", "huge", "missing", "folder", "fifo"],
)
def test_a_report_that_is_none(
    run: Path, image: Path, tmp_path: Path, content: bytes | str | None, message: str
):
    report = tmp_path / "the report.txt"
    if content == "folder":
        report.mkdir()
    elif content == "fifo":
        os.mkfifo(report)
    elif isinstance(content, bytes):
        report.write_bytes(content)
    told = line(invoke("--image", image, "--report", report, "--run", run))
    assert repr(str(report)) in told
    assert message in told


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.png", None, "no such file"),
        ("a.png", b"", "not an image of a known format"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(64), "cannot read image"),
        ("a.zip.png", b"PK\x03\x04" + bytes(64), "not an image of a known format"),
        ("a.dcm", bytes(128) + b"DICM" + bytes(64), "cannot read image"),
        (".", None, "it is a folder"),
    ],
)
def test_an_image_that_is_none(
    run: Path, report: Path, tmp_path: Path, name: str, content: bytes | None, message: str
):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    told = line(invoke("--image", path, "--report", report, "--run", run))
    assert f"cannot read image {str(path)!r}: " in told
    assert message in told


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--image", "IMAGE"), "give --image and --report, or a table of PAIRS"),
        ((), "give --image and --report, or a table of PAIRS"),
        (("--image", "IMAGE", "--report", "REPORT", "--out", "x"), "--out and --id belong to"),
        (("--image", "IMAGE", "--report", "REPORT", "--id", "x"), "--out and --id belong to"),
        (
            ("--image", "x", "--report", "x", "--heatmap", "x.jpg", "--run", "absent"),
            "heatmap file 'x.jpg' must end in .png",
        ),
        (("PAIRS", "--image", "IMAGE"), "--image, --report and --heatmap belong to one check"),
        (("PAIRS", "--heatmap", "x.png"), "--image, --report and --heatmap belong to one check"),
        (
            ("--image", "IMAGE", "--report", "REPORT", "--heatmap", "x.jpg"),
            "heatmap file 'x.jpg' must end in .png",
        ),
        (
            ("--image", "IMAGE", "--report", "REPORT", "--run", "absent"),
            "'absent' does not exist; train one with: medfilip-train --out absent",
        ),
        (("PAIRS", "--out", "no/x.jsonl"), "--out 'no/x.jsonl': there is no folder 'no'"),
        (("PAIRS", "--id", "uid"), "no column 'uid' for --id; columns found: 'id', 'image', 'rep"),
        (("gone.csv",), "no file 'gone.csv'"),
        (("PAIRS", "--device", "abacus"), "device 'abacus' cannot be used"),
    ],
)
def test_a_usage_error_is_one_line(
    run: Path, image: Path, report: Path, tmp_path: Path, words: tuple[str, ...], message: str
):
    pairs = write_table(tmp_path, ("a", image.name, "A mass."))
    named = {"IMAGE": image, "REPORT": report, "PAIRS": pairs}
    where = () if "--run" in words else ("--run", run)
    assert message in line(invoke(*(named.get(word, word) for word in words), *where))


def test_a_picture_that_cannot_be_written_is_told_in_a_line(
    run: Path, image: Path, report: Path, tmp_path: Path
):
    (tmp_path / "file").write_text("", encoding="utf-8")
    out = tmp_path / "file" / "maps.png"
    told = line(invoke("--image", image, "--report", report, "--run", run, "--heatmap", out))
    assert str(tmp_path / "file") in told


def test_a_table_that_is_not_utf8(run: Path, tmp_path: Path):
    path = tmp_path / "pairs.csv"
    path.write_bytes("image,report\na.png,Épanchement\n".encode("latin-1"))
    told = line(invoke(path, "--run", run))
    assert "line 2, byte 19: 0xc9 is not UTF-8" in told
    assert "panchement" not in told


def test_sixteen_bits(run: Path, report: Path, tmp_path: Path):
    grey = np.random.default_rng(0).integers(0, 4096, (48, 40), dtype=np.uint16)
    Image.fromarray(grey).save(tmp_path / "deep.png")
    result = invoke("--image", tmp_path / "deep.png", "--report", report, "--run", run)
    assert result.exit_code == 0, result.stderr


def test_the_version():
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, "medfilip-app 0.1.0\n")
