import json
import logging
from pathlib import Path

import pytest
from ssm import LabelBank
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


def test_encode_without_a_name_prints_the_choice(tmp_path, texts, monkeypatch, minilm):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(choose, "load_minilm", lambda device: minilm)
    result = ssm("encode", texts, "--out", tmp_path / "bank")
    assert "encoder minilm: packaged weights, because" in result.stderr
    assert "HF_HUB_OFFLINE is set" in result.stderr
    assert "encoder minilm, fingerprint" in result.stdout


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


def test_inspect_json(bank):
    record = json.loads(ssm("inspect", bank, "--json", "--top", 2).stdout)
    assert record["encoder"] == "lexical"
    assert record["fingerprint"] == LabelBank.load(bank).fingerprint
    assert (record["texts"], record["pairs"], len(record["nearest"])) == (4, 6, 2)
    assert record["nearest"][0]["similarity"] == pytest.approx(record["percentiles"]["100"])


def test_heatmap(bank, tmp_path):
    result = ssm("heatmap", bank, "--out", tmp_path / "map.png", "--title", "captions")
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'map.png'}: 4 texts, encoder lexical\n"
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no text: give one text a line"),
        (b" \n\n", "holds no text"),
        (b"a dog\nK\xe4se\n", "line 2: byte 0xe4 is not UTF-8; save the file as UTF-8"),
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


def test_an_unknown_encoder(tmp_path, texts):
    line = refused(ssm("encode", texts, "--encoder", "lexicl", "--out", tmp_path / "bank"))
    assert "unknown encoder 'lexicl'" in line
    assert "did you mean 'lexical'?" in line
    assert not (tmp_path / "bank").exists()


def test_another_encoder_s_bank_is_left_alone(texts, bank, monkeypatch, minilm):
    monkeypatch.setattr(choose, "load_minilm", lambda device: minilm)
    line = refused(ssm("encode", texts, "--encoder", "minilm", "--out", bank))
    assert "made by encoder 'lexical'" in line
    assert LabelBank.load(bank).encoder_name == "lexical"


@pytest.mark.parametrize("command", ["inspect", "heatmap"])
def test_no_bank(tmp_path, command):
    assert "there is no bank in" in refused(ssm(command, tmp_path / "nowhere"))


def test_a_damaged_bank(bank):
    (bank / "manifest.json").write_text("{")
    assert "is damaged" in refused(ssm("inspect", bank))


def test_one_text_has_no_pairs(tmp_path):
    path = tmp_path / "texts.txt"
    path.write_text("a dog\n")
    assert ssm("encode", path, "--encoder", "lexical", "--out", tmp_path / "bank").exit_code == 0
    assert "needs two texts" in refused(ssm("inspect", tmp_path / "bank"))
    assert "shows 2 to 1000 texts" in refused(ssm("heatmap", tmp_path / "bank"))


def test_an_unknown_option(texts):
    result = ssm("encode", texts, "--encodr", "lexical")
    assert result.exit_code == 2
    assert "--encoder" in result.stderr


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
