import json
from pathlib import Path

import numpy as np
import pytest
from medfilip_model import cli
from medfilip_model.calibration import Calibration, Curves, as_json
from medfilip_model.checkpoint import LAST, save_checkpoint
from medfilip_model.config import DataConfig
from medfilip_model.model import MedFILIP
from medfilip_model.platt import Curve
from PIL import Image
from typer.testing import CliRunner


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("COLUMNS", "100")
    return CliRunner()


@pytest.fixture
def run(tiny_model: MedFILIP, tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "saved" / LAST, tiny_model, {}, {})
    return tmp_path / "saved"


@pytest.fixture
def calibrated(fusion_model: MedFILIP, tmp_path: Path) -> Path:
    curve = Curve(slope=10, beside=-1, offset=-2, positives=10, negatives=90)
    curves = Curves(own={"mass": curve}, pooled=curve)
    calibration = Calibration(
        images=100,
        template="paper",
        normal=DataConfig().normal,
        centre=(0.0,) * 32,
        classes=curves,
        attributes=curves,
        presence=curves,
    )
    save_checkpoint(tmp_path / "fused" / LAST, fusion_model, {}, as_json(calibration))
    return tmp_path / "fused"


@pytest.fixture
def image(folder: Path) -> str:
    return str(folder / "images" / "im-000.png")


def test_classes_and_broken_files_are_listed(
    runner: CliRunner, run: Path, image: str, tmp_path: Path
):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"broken")
    result = runner.invoke(cli.app, ["predict", image, str(broken), "--run", str(run)])
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == image
    assert len(lines) == 15
    assert all("similarity" in line and "%" not in line for line in lines[1:])
    assert f"skipped {broken}: cannot read image" in result.stderr


def test_a_checkpoint_without_calibration_says_so_once(runner: CliRunner, run: Path, image: str):
    result = runner.invoke(cli.app, ["predict", image, image, "--run", str(run), "--explain"])
    assert result.exit_code == 0
    assert result.stderr.count("no calibration") == 1
    assert "by its attributes alone" not in result.stdout


def test_json_is_documented(runner: CliRunner, run: Path, image: str):
    result = runner.invoke(cli.app, ["predict", image, image, "--run", str(run), "--json"])
    assert result.exit_code == 0
    rows = [json.loads(line) for line in result.stdout.splitlines()]
    assert [row["file"] for row in rows] == [image, image]
    assert rows[0]["scores"] == rows[1]["scores"]
    assert set(rows[0]) == {"file", "normal", "scores", "reasons", "heatmap"}
    score = rows[0]["scores"][0]
    assert set(score) == {
        "label",
        "category",
        "similarity",
        "probability",
        "presence",
        "calibrated",
    }
    assert score["probability"] is score["presence"] is score["calibrated"] is None
    assert rows[0]["reasons"] is rows[0]["heatmap"] is None


def test_probabilities_are_shown_and_pooled_ones_marked(
    runner: CliRunner, calibrated: Path, image: str
):
    result = runner.invoke(cli.app, ["predict", image, "--run", str(calibrated)])
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = result.stdout.splitlines()[1:]
    assert all("fusion head" in line and "%" in line for line in lines)
    (mass,) = (line for line in lines if "Mass" in line)
    assert "~" not in mass
    assert sum("~" in line for line in lines) == 13


def test_reasons_in_words_and_in_json(runner: CliRunner, calibrated: Path, image: str):
    arguments = ["predict", image, "--run", str(calibrated), "--explain"]
    shown = runner.invoke(cli.app, [*arguments, "--of", "mass", "--of", "Effusion"])
    assert shown.exit_code == 0, shown.stderr
    lines = shown.stdout.splitlines()
    told = [n for n, line in enumerate(lines) if line.startswith("      ")]
    assert told
    # Under the classes that were named, and no others.
    above = {lines[n].split()[0] for n in range(len(lines)) if n + 1 in told and n not in told}
    assert above == {"Mass", "Effusion"}
    told_json = runner.invoke(cli.app, [*arguments, "--json"])
    (row,) = (json.loads(line) for line in told_json.stdout.splitlines())
    reasons = row["reasons"]
    assert [one["category"] for one in reasons["classes"]] == [
        score["category"] for score in row["scores"]
    ]
    assert set(reasons["classes"][0]) == {
        "category",
        "speaks_for",
        "speaks_against",
        "severity",
        "place",
    }
    attributes = [*reasons["classes"][0]["speaks_for"], *reasons["classes"][0]["speaks_against"]]
    assert set(attributes[0]) == {"attribute", "text", "similarity", "evidence"}
    assert {frozenset(one) for one in reasons["inferred"]} <= {
        frozenset({"category", "probability", "severity", "place", "seen", "missing"})
    }


def test_heatmaps_are_written_beside_each_other(
    runner: CliRunner, run: Path, folder: Path, image: str, tmp_path: Path
):
    out, other = tmp_path / "maps" / "out.png", str(folder / "images" / "im-001.png")
    arguments = ["predict", "--run", str(run), "--heatmap", str(out)]
    one = runner.invoke(cli.app, [*arguments, image])
    assert one.exit_code == 0, one.stderr
    assert f"see {out}" in one.stdout
    two = runner.invoke(cli.app, [*arguments, image, other, "--json"])
    named = [json.loads(line)["heatmap"] for line in two.stdout.splitlines()]
    assert named == [str(tmp_path / "maps" / f"out-im-00{n}.png") for n in (0, 1)]
    assert sorted(p.name for p in out.parent.iterdir()) == [
        "out-im-000.png",
        "out-im-001.png",
        "out.png",
    ]
    with Image.open(out) as drawn:
        assert drawn.width > 4 * 288


def test_sixteen_bits_and_dicom(runner: CliRunner, run: Path, image: str, tmp_path: Path):
    pydicom = pytest.importorskip("pydicom")
    with Image.open(image) as opened:
        grey = np.asarray(opened).astype(np.uint16)
    Image.fromarray(grey * 16).save(tmp_path / "deep.png")
    data = pydicom.Dataset()
    data.file_meta = pydicom.dataset.FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = pydicom.uid.ComputedRadiographyImageStorage
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = pydicom.uid.generate_uid()
    data.SOPClassUID = pydicom.uid.ComputedRadiographyImageStorage
    data.Rows, data.Columns = grey.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME1"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    # Inverted, as MONOCHROME1 means.
    data.PixelData = (4095 - grey * 16).astype(np.uint16).tobytes()
    data.save_as(tmp_path / "deep.dcm", enforce_file_format=True)
    files = [image, str(tmp_path / "deep.png"), str(tmp_path / "deep.dcm")]
    result = runner.invoke(cli.app, ["predict", *files, "--run", str(run), "--json"])
    assert result.exit_code == 0, result.stderr
    scores = [
        {score["label"]: score["similarity"] for score in json.loads(line)["scores"]}
        for line in result.stdout.splitlines()
    ]
    for other in scores[1:]:
        assert other == pytest.approx(scores[0], abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "absent"], "error: 'absent' does not exist; train one with: medfilip-train"),
        (["--classes", "chestxray41"], "error: unknown data set 'chestxray41'"),
        (["--of", "effusions"], "error: unknown class 'effusions': did you mean 'Effusion'?"),
        (["--heatmap", "out.jpg"], "error: heatmap file 'out.jpg' must end in .png"),
    ],
)
def test_what_is_wrong_is_named(
    runner: CliRunner, run: Path, image: str, arguments: list[str], message: str
):
    where = [] if "--run" in arguments else ["--run", str(run)]
    result = runner.invoke(cli.app, ["predict", image, *where, *arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
