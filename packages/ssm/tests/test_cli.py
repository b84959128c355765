import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import torch
from ssm import CalibrationMethod, LabelBank, calibration, cli, store
from ssm.cli import app
from ssm.encoders import choose
from typer.testing import CliRunner

README = Path(__file__).parents[1] / "README.md"
PLAIN = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "FORCE_COLOR": None}
CAPTIONS = ["a dog on a beach", "a dog at the sea", "a bowl of soup", "Käse 犬"]


def ssm(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments], env=PLAIN, prog_name="ssm")


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("\ufeff" + "\n".join([*CAPTIONS, "", "  a dog on a beach  "]), encoding="utf-8")
    return path


@pytest.fixture
def bank(tmp_path, texts):
    result = ssm("encode", texts, "--encoder", "lexical", "--out", tmp_path / "bank")
    assert result.exit_code == 0
    return tmp_path / "bank"


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "texts.csv"
    rows = [
        "category,text",
        "beach,a dog on a beach",
        "beach,a dog at the sea",
        "food,a bowl of soup",
    ]
    path.write_text("\n".join([*rows, "food,a bowl of rice", ",Käse 犬", "", ""]), encoding="utf-8")
    return path


@pytest.fixture
def grouped(tmp_path, table):
    result = ssm("encode", table, "--encoder", "lexical", "--out", tmp_path / "grouped")
    assert result.exit_code == 0
    return tmp_path / "grouped"


def refused(result):
    """The one line of an expected error."""
    assert result.exit_code == 2
    assert result.stdout == ""
    line = result.stderr.splitlines()[-1]
    assert line.startswith("error: ")
    return line


def test_encode_keeps_each_text_once_and_says_so(tmp_path, texts):
    result = ssm("encode", texts, "--encoder", "lexical", "--out", tmp_path / "bank")
    assert result.exit_code == 0
    assert result.stderr == "1 repeated texts are kept once\n"
    loaded = LabelBank.load(tmp_path / "bank")
    assert loaded.texts == tuple(CAPTIONS)
    assert result.stdout == (
        f"{tmp_path / 'bank'}: 4 texts (4 new), 2048 dimensions, encoder lexical, "
        f"fingerprint {loaded.fingerprint[:12]}\n"
    )


def test_encode_adds_to_a_bank(tmp_path, bank):
    more = tmp_path / "more.txt"
    more.write_text("a kite\na bowl of soup\n")
    result = ssm("encode", more, "--encoder", "lexical", "--out", bank)
    assert "5 texts (1 new)" in result.stdout
    assert LabelBank.load(bank).texts == (*CAPTIONS, "a kite")


def test_encode_keeps_columns_and_adds_to_them(tmp_path, bank, table):
    result = ssm("encode", table, "--encoder", "lexical", "--out", bank)
    assert "5 texts (1 new)" in result.stdout
    loaded = LabelBank.load(bank)
    found = dict(zip(loaded.texts, loaded.columns["category"], strict=True))
    assert found == {
        "a dog on a beach": "beach",
        "a dog at the sea": "beach",
        "a bowl of soup": "food",
        "a bowl of rice": "food",
        "Käse 犬": "",
    }


def test_encode_says_what_it_leaves_out(tmp_path):
    path = tmp_path / "t.jsonl"
    rows = [("a", "x"), ("a", "y"), ("", "z"), ("b", "x")]
    path.write_text("\n".join(json.dumps({"t": t, "kind": k}) for t, k in rows))
    out = tmp_path / "bank"
    result = ssm("encode", path, "--encoder", "lexical", "--text", "t", "--out", out)
    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "1 rows without a text are left out",
        "1 repeated texts are kept once",
        "1 of them have another kind than before: the first one counts",
    ]
    assert LabelBank.load(out).columns == {"kind": ("x", "x")}


def test_encode_calibrates_and_a_later_encode_keeps_it(tmp_path, table):
    out = tmp_path / "bank"
    common = ("--encoder", "lexical", "--out", out)
    result = ssm("encode", table, *common, "--calibration", "center")
    assert result.stdout.endswith(", calibration center\n")
    first = LabelBank.load(out)
    assert first.calibration.method == "center"
    assert first.columns["category"][0] == "beach"
    more = tmp_path / "more.txt"
    more.write_text("a kite in the wind\n")
    result = ssm("encode", more, *common)
    assert "calibration center stays as fitted before; --calibration center" in result.stderr
    second = LabelBank.load(out)
    assert len(second) == 6
    assert torch.equal(second.calibration.mean, first.calibration.mean)
    ssm("encode", more, *common, "--calibration", "center")
    third = LabelBank.load(out)
    assert not torch.equal(third.calibration.mean, first.calibration.mean)
    assert third.texts == second.texts
    assert "calibration" not in ssm("encode", more, *common, "--calibration", "none").stdout
    assert LabelBank.load(out).calibration.method == "none"


def test_rebuild_takes_a_damaged_bank_s_place(bank, texts):
    for path in bank.glob("vectors-*"):
        path.write_bytes(b"half")
    common = (texts, "--encoder", "lexical", "--out", bank)
    assert "is damaged" in refused(ssm("encode", *common))
    result = ssm("encode", *common, "--rebuild")
    assert "4 texts (4 new)" in result.stdout
    assert LabelBank.load(bank).texts == tuple(CAPTIONS)


def test_encode_without_a_name_prints_the_choice(tmp_path, texts, monkeypatch, minilm):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(choose, "load_minilm", lambda device, **options: minilm)
    result = ssm("encode", texts, "--out", tmp_path / "bank")
    assert "encoder minilm: packaged weights, because" in result.stderr
    assert "HF_HUB_OFFLINE is set" in result.stderr
    assert "encoder minilm, fingerprint" in result.stdout


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], {"device": None, "devices": None, "dtype": "auto"}),
        (["cpu"], {"device": "cpu", "devices": None, "dtype": "float32"}),
        (["cpu", "cuda:1"], {"device": None, "devices": ["cpu", "cuda:1"], "dtype": "bfloat16"}),
    ],
)
def test_devices_and_dtype_reach_the_encoder(tmp_path, texts, monkeypatch, given, expected):
    seen = {}
    lexical = choose.load_lexical()

    def load(name, **options):
        seen.update(options, name=name)
        return lexical

    monkeypatch.setattr("ssm.encoders.load_encoder", load)
    devices = [word for device in given for word in ("--device", device)]
    ssm(
        "encode",
        texts,
        "--encoder",
        "x",
        "--out",
        tmp_path / "b",
        "--dtype",
        expected["dtype"],
        *devices,
    )
    assert seen == expected | {"name": "x"}


def test_inspect(bank):
    result = ssm("inspect", bank, "--top", 1)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "4 texts, encoder lexical, 6 pairs"
    assert lines[1].startswith("cosine: mean 0.")
    assert lines[3] == "nearest"
    assert lines[4].endswith("'a dog on a beach'  'a dog at the sea'")
    assert lines[6] == "farthest"
    assert len(lines) == 8


def test_inspect_groups_before_and_after_a_calibration(grouped):
    result = ssm("inspect", grouped, "--group-by", "category", "--calibration", "center")
    assert result.exit_code == 0
    assert result.stderr == "1 of 5 texts have no category\n"
    words = result.stdout
    assert "5 texts, encoder lexical, 10 pairs, calibration center" in words
    assert "\ncosine: mean" in words
    assert "\ncalibrated: mean" in words
    assert "by category: 2 groups, pairs of 4 texts" in words
    assert "\ncosine gap " in words
    assert "\ncalibrated gap " in words
    assert LabelBank.load(grouped).calibration.method == "none"


def test_inspect_json(grouped):
    options = ("--json", "--top", 2, "--group-by", "category")
    record = json.loads(ssm("inspect", grouped, *options).stdout)
    assert record["encoder"] == "lexical"
    assert record["fingerprint"] == LabelBank.load(grouped).fingerprint
    assert (record["texts"], record["cosine"]["pairs"]) == (5, 10)
    assert len(record["cosine"]["nearest"]) == 2
    assert record["calibration"]["method"] == "none"
    assert "calibrated" not in record
    assert [g["name"] for g in record["groups"]["cosine"]["groups"]] == ["beach", "food"]


def test_heatmap(bank, tmp_path):
    result = ssm("heatmap", bank, "--out", tmp_path / "map.png", "--title", "captions")
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'map.png'}: 4 texts, encoder lexical\n"
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_heatmap_by_group(grouped, tmp_path, monkeypatch):
    seen = {}
    monkeypatch.setattr("ssm.plot.save_heatmap", lambda *a, **options: seen.update(options, a=a))
    options = ("--group-by", "category", "--calibration", "quantile")
    assert ssm("heatmap", grouped, "--out", tmp_path / "map.svg", *options).exit_code == 0
    assert seen["groups"] == ("beach", "beach", "food", "food", "")
    assert seen["group_name"] == "category"
    assert seen["a"][0].calibration.method == "quantile"


@pytest.mark.parametrize("command", ["inspect", "heatmap"])
def test_an_unknown_column(command, grouped, bank):
    line = refused(ssm(command, grouped, "--group-by", "categry"))
    assert "no column 'categry' (it has 'category'), did you mean 'category'?" in line
    line = refused(ssm(command, bank, "--group-by", "category"))
    assert "no column 'category' (it has none); to add a column, run 'ssm encode'" in line


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no text: give one text a line"),
        (b" \n\n", "holds no text"),
        (b"a dog\nK\xe4se\n", "line 2: byte 0xe4 is not UTF-8; save the file as UTF-8"),
        (b"\x7fELF\0\0", "is a binary file"),
        (None, "No such file or directory"),
    ],
)
def test_a_bad_file_of_texts(tmp_path, content, message):
    path = tmp_path / "texts.txt"
    if content is not None:
        path.write_bytes(content)
    line = refused(ssm("encode", path, "--encoder", "lexical", "--out", tmp_path / "bank"))
    assert repr(str(path)) in line
    assert message in line
    assert not (tmp_path / "bank").exists()


def test_a_missing_column(tmp_path, table):
    line = refused(ssm("encode", table, "--text", "txt", "--out", tmp_path / "bank"))
    assert "no column 'txt' (it has 'category', 'text'), did you mean 'text'?" in line


def test_an_unknown_encoder(tmp_path, texts):
    line = refused(ssm("encode", texts, "--encoder", "lexicl", "--out", tmp_path / "bank"))
    assert "unknown encoder 'lexicl'" in line
    assert "did you mean 'lexical'?" in line
    assert not (tmp_path / "bank").exists()


def test_another_encoder_s_bank_is_left_alone(texts, bank, monkeypatch, minilm):
    monkeypatch.setattr(choose, "load_minilm", lambda device, **options: minilm)
    line = refused(ssm("encode", texts, "--encoder", "minilm", "--out", bank))
    assert "made by encoder 'lexical'" in line
    assert LabelBank.load(bank).encoder_name == "lexical"


@pytest.mark.parametrize("command", ["inspect", "heatmap"])
def test_no_bank(tmp_path, command):
    assert "there is no bank in" in refused(ssm(command, tmp_path / "nowhere"))


@pytest.mark.parametrize("command", ["inspect", "heatmap", "encode"])
def test_a_bank_that_is_a_file(tmp_path, texts, command):
    given = (texts, "--encoder", "lexical", "--out", texts) if command == "encode" else (texts,)
    before = texts.read_bytes()
    assert str(texts) in refused(ssm(command, *given))
    assert texts.read_bytes() == before


def test_a_damaged_bank(bank):
    (bank / "manifest.json").write_text("{")
    assert "is damaged" in refused(ssm("inspect", bank))


def test_a_full_disk(tmp_path, texts, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.open", full)
    monkeypatch.setattr(store, "read", lambda folder: None)
    line = refused(ssm("encode", texts, "--encoder", "lexical", "--out", tmp_path / "bank"))
    assert "No space left on device" in line


def test_one_text_has_no_pairs_and_no_calibration(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("a dog\n")
    common = ("encode", path, "--encoder", "lexical", "--out", tmp_path / "bank")
    assert ssm(*common).exit_code == 0
    assert "needs two texts" in refused(ssm("inspect", tmp_path / "bank"))
    assert "shows 2 to 1000 texts" in refused(ssm("heatmap", tmp_path / "bank"))
    assert "needs two texts that differ" in refused(ssm(*common, "--calibration", "whiten"))


def test_an_unknown_option(texts):
    result = ssm("encode", texts, "--encodr", "lexical")
    assert result.exit_code == 2
    assert "--encoder" in result.stderr
    result = ssm("encode", texts, "--calibration", "centre")
    assert result.exit_code == 2
    assert "'center'" in result.stderr


def test_the_methods_are_those_of_the_library():
    assert get_args(cli.Method) == get_args(CalibrationMethod) == calibration._METHODS


def test_help_does_not_wait_for_torch():
    code = "import sys, ssm.cli; assert not {'torch', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("command", [[], ["encode"], ["inspect"], ["heatmap"]])
def test_the_readme_shows_this_help(command):
    result = ssm(*command, "--help")
    lines = "\n".join(line.rstrip() for line in result.stdout.strip().splitlines())
    assert result.exit_code == 0
    assert lines in README.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def root_logger():
    """The commands configure logging; no later test should notice."""
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers
