"""A data root with everything wrong in it: named, counted, in the report; the sound set goes on."""

import numpy as np
import pytest
from medfilip_bench import BenchConfig, run_all
from medfilip_bench.cli import app
from medfilip_bench.datasets.chestxray14 import LABELS as NIH
from medfilip_bench.datasets.rsna import LABELS as RSNA
from typer.testing import CliRunner

pytestmark = pytest.mark.usefixtures("no_figures")
NIH_HEADER = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,"
    "OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]"
)
# A model whose towers end in different spaces.
TOWERS = """
import torch


class Towers:
    size = 32

    def encode_image(self, images):
        return images.float().flatten(1)[:, :4]

    def encode_text(self, texts):
        return torch.tensor([[float(len(text)), 1.0, 2.0] for text in texts])


def load():
    return Towers()
"""


@pytest.fixture
def root(tmp_path, write, image, make_folder):
    """A sound folder; half of NIH; RSNA of another version; unknown labels; no test split."""
    root = tmp_path / "root"
    rows = [(f"{n:02}.png", "Mass" if n % 2 else "No Finding", str(n), "valid" if n < 6 else "test")
            for n in range(20)]  # fmt: skip
    make_folder(root / "sound", rows)
    (root / "sound" / "images" / "11.png").write_bytes(b"no image")
    make_folder(root / "strange", [("0.png", "Blorp", "1", "test")])
    names = [f"{n:08}_000.png" for n in range(1, 13)]
    lines = (f"{name},Mass,0,{n},58,M,PA,2682,2749,0.143,0.143" for n, name in enumerate(names))
    write(root / "chestxray14" / NIH, NIH_HEADER, *lines)
    write(root / "chestxray14" / "train_val_list.txt", *names[:4])
    write(root / "chestxray14" / "test_list.txt", *names[4:])
    for number, name in enumerate(names[:8]):
        image(root / "chestxray14" / "images_001" / "images" / name, number)
    write(root / "rsna" / RSNA, "patientId,x,y,width,height", "a,1,2,3,4")
    (root / "rsna" / "stage_2_train_images").mkdir()
    for part in ("Train", "Val"):
        for name in ("COVID-19", "Non-COVID", "Normal"):
            image(root / "covid_qu_ex" / part / name / "images" / "a.png", len(name))
    return root


@pytest.fixture
def config(tmp_path, root):
    return BenchConfig(
        model="random",
        data=root,
        phantoms=False,
        tasks=("zero_shot-*",),
        out=tmp_path / "out",
        references=(),
        replicates=20,
    )


def test_what_is_wrong_is_named_and_the_sound_set_goes_on(config):
    done = run_all(config)
    measured = {record.task: record for record in done.records}
    # The six entities are read from ChestX-ray14 where that is what there is.
    sets = ("sound", "chestxray14", "six_entities")
    assert set(measured) == {f"zero_shot-{name}" for name in sets}
    assert [entry.file for entry in measured["zero_shot-sound"].data.skipped] == ["11.png"]
    assert measured["zero_shot-sound"].data.n == 13
    half = measured["zero_shot-chestxray14"].data
    assert half.n == 4
    assert len(half.skipped) == 4
    said = {failure.task: failure.reason for failure in done.failures}
    assert set(said) == {"zero_shot-rsna", "zero_shot-strange", "zero_shot-covid_qu_ex"}
    assert "'Target'" in said["zero_shot-rsna"]
    assert "'Blorp'" in said["zero_shot-strange"]
    report = done.report.markdown.read_text(encoding="utf-8")
    for words in ("11.png", "'Target'", "'Blorp'", "zero_shot-covid_qu_ex"):
        assert words in report


def test_the_exit_code_is_1(config, root, tmp_path):
    words = ["all", "--model", "random", "--no-phantoms", "--task", "zero_shot-*"]
    result = CliRunner().invoke(app, [*words, "--data", str(root), "--out", str(tmp_path / "o")])
    assert result.exit_code == 1
    assert "task 'zero_shot-rsna' failed" in result.stderr
    assert "images could not be read and were left out" in result.stderr


def test_data_check_names_the_same(root):
    result = CliRunner().invoke(app, ["data", "check", str(root)])
    assert result.exit_code == 1
    assert "Target" in result.stdout


def test_towers_that_end_in_different_spaces_fail_by_name(config, tmp_path, monkeypatch):
    (tmp_path / "towers.py").write_text(TOWERS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    tasks = ("zero_shot-sound",)
    done = run_all(config.model_copy(update={"model": "towers:load", "tasks": tasks}))
    (failure,) = done.failures
    assert "images in 4 dimensions and texts in 3" in failure.reason
    assert done.report is None


def test_one_unreadable_image_among_many_costs_one_image(make_folder, tmp_path, config):
    rows = [(f"{n}.png", "Mass" if n % 3 else "No Finding", str(n), "test" if n % 4 else "valid")
            for n in range(400)]  # fmt: skip
    folder = make_folder(tmp_path / "many" / "films", rows)
    (folder / "images" / "397.png").write_bytes(np.random.default_rng(0).bytes(100))
    done = run_all(config.model_copy(update={"data": folder}))
    (record,) = done.records
    assert record.data.n == 299
    assert [entry.file for entry in record.data.skipped] == ["397.png"]
