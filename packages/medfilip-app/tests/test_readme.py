"""The README's help texts are those of the commands, and its example does what it says."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from medfilip_app.cli import app
from medfilip_app.record import CheckRecord, ModelRecord, OmissionRecord, StatementRecord
from medfilip_model.cli import app as medfilip
from medfilip_model.consistency import SlotJudgement
from typer.testing import CliRunner

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text("utf-8")
BLOCK = re.compile(
    r"<!-- help: medfilip-app(?P<name>[a-z ]*) -->\n```text\n(?P<help>.*?)```", re.DOTALL
)
PROGRAMS = {"medfilip": medfilip, "medfilip-app": app}
BLOCKS = [(match["name"].strip(), match["help"]) for match in BLOCK.finditer(TEXT)]


def test_every_command_is_in_the_readme():
    commands = [one.callback for one in app.registered_commands if one.callback is not None]
    assert [name for name, _ in BLOCKS] == ["", *(one.__name__ for one in commands)]


@pytest.mark.parametrize(("name", "written"), BLOCKS)
def test_help(name: str, written: str):
    result = CliRunner(env={"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}).invoke(
        app, [*name.split(), "--help"], prog_name="medfilip-app"
    )
    assert result.exit_code == 0
    assert result.stdout.rstrip() == written.rstrip()


def test_every_field_is_in_the_readme():
    fields = {
        *(field.alias or name for name, field in CheckRecord.model_fields.items()),
        *ModelRecord.model_fields,
        *StatementRecord.model_fields,
        *OmissionRecord.model_fields,
        *SlotJudgement.__dataclass_fields__,
    }
    for field in fields:
        assert re.search(rf"`(?:\w+\[\]\.)?{field}`", TEXT), field


@pytest.mark.usefixtures("foresee")
def test_the_commands_do_what_is_said(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, tmp_path / "runs" / "phantom")
    report = re.search(r"The report says\n\n```text\n(.*?)```", TEXT, re.DOTALL)
    assert report is not None
    (tmp_path / "report.txt").write_text(report[1], encoding="utf-8")
    blocks = "".join(re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL))
    commands = [shlex.split(line)[2:] for line in blocks.splitlines()]
    printed = {}
    for program, *words in commands:
        # Serving does not end, its own tests ask it; scripts of the repository drive a browser.
        if program not in PROGRAMS or words[0] == "serve":
            continue
        # Small ones, drawn in this process: they take a second.
        quick = ["--size", "64", "--workers", "1"] if words[0] == "phantom" else []
        result = CliRunner(env={"COLUMNS": "100"}).invoke(PROGRAMS[program], [*words, *quick])
        assert result.exit_code == 0, result.output
        printed[words[0], words[1]] = [line.rstrip() for line in result.stdout.splitlines()]
    assert (tmp_path / "where.png").is_file()
    lines = printed["check", "--image"]
    shown = re.search(r"```text\n(verdict .*?)\n\n", TEXT, re.DOTALL)
    assert shown is not None
    columns = ("finding", "the report says")
    for told in (lines[0], shown[1].splitlines()[0]):
        assert all(column in told for column in columns)
    # The words of the report are the README's, whatever a model says of them.
    for words in re.findall(r"“(.*)", shown[1]):
        assert f"“{words.split('  ')[0]}" in "\n".join(lines)
    names = [line.split()[0] for line in printed["check", "phantoms/reports.csv"][:6]]
    assert names == ["pairs", "statements", "supported", "contradicted", "undecided", "omissions"]
    assert len((tmp_path / "checks.jsonl").read_text("utf-8").splitlines()) == 16


@pytest.mark.usefixtures("foresee")
def test_the_example(
    run: Path,
    image: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    example = re.search(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    monkeypatch.chdir(tmp_path)
    shutil.copytree(run, tmp_path / "runs" / "phantom")
    assert image == tmp_path / "image.png"
    exec(compile(example[1], "README.md", "exec"), {})
    first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"pleural_effusion contradicted 0\.\d+", first)
    assert second == "cardiomegaly 0.875 left"
