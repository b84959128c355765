from pathlib import Path

import pytest
from gpt_ie.answer import FIELDS
from gpt_ie.prompt import load_prompt
from gpt_ie.prompt_file import MAX_LENGTH, PromptError, parse_prompt
from hypothesis import given
from hypothesis import strategies as st

HEAD = "---\nname: mine\nversion: 2\nformat: json\n---\n"
PAPER = HEAD.replace("json", "paper")
BODY = "# System\nRead it.\n\n# User\n{report}\n"


def test_a_prompt_of_ones_own():
    text = (
        f"{HEAD}\n# System\nKnown: {{categories}}\n\n## Rules\n\nNone.\n# User\nRead\n{{report}}\n"
    )
    prompt = parse_prompt(
        f"{text}\n# Fields\n- `severity`: Grade\n  of it.\n\n* trend: Change.\n", "f"
    )
    assert (prompt.name, prompt.version, prompt.format) == ("mine", "2", "json")
    assert prompt.system == "Known: {categories}\n\n## Rules\n\nNone."
    assert prompt.user == "Read\n{report}"
    assert prompt.fields == (("severity", "Grade of it."), ("trend", "Change."))
    assert prompt.label == f"mine@2+{prompt.hash}"


def test_a_hash_sign_in_a_code_fence_is_text():
    prompt = parse_prompt(HEAD + "# System\n```\n# Rules\n```\n# User\n{report}\n", "f")
    assert prompt.system == "```\n# Rules\n```"


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("", 1, "empty"),
        (" \n\n", 1, "empty"),
        (BODY, 1, "front matter"),
        ("---\nname: x\n# System\n", 1, "front matter"),
        ("---\nname: x\n---\n" + BODY, 3, "lacks 'version' and 'format'"),
        (HEAD.replace("version: 2", "verson: 2") + BODY, 3, "did you mean 'version'"),
        (HEAD.replace("version: 2", "name: 2") + BODY, 3, "twice"),
        (HEAD.replace("json", "jsn") + BODY, 4, "did you mean 'json'"),
        (HEAD.replace("mine", "my prompt") + BODY, 2, "'my prompt' must be"),
        (HEAD.replace("mine", "") + BODY, 2, "'' must be"),
        (HEAD, 6, "'# System' is missing"),
        (HEAD + "# System\nRead it.\n", 8, "'# User' is missing"),
        (HEAD + "# User\n{report}\n", 8, "'# System' is missing"),
        (HEAD + "# System\n\n# User\n{report}\n", 6, "'# System' is empty"),
        (HEAD + BODY + "# System\nagain\n", 11, "twice"),
        (HEAD + BODY + "# Feilds\n", 11, "did you mean 'Fields'"),
        (HEAD + "Read.\n" + BODY, 6, "before the first section"),
        (HEAD + BODY.replace("{report}", "It follows."), 9, "must hold {report}"),
        (HEAD + BODY + "\nand {report}\n", 12, "twice"),
        (HEAD + BODY.replace("Read it.", "Read {report}."), 7, "data, not instruction"),
        (HEAD + BODY.replace("Read it.", "a\n{reprot}"), 8, "did you mean 'report'"),
        (HEAD + BODY.replace("Read it.", "{No}"), 7, "write {{No}}"),
        (HEAD + BODY + "# Fields\n- severty: x\n", 12, "did you mean 'severity'"),
        (HEAD + BODY + "# Fields\n- trend: x\n- trend: y\n", 13, "twice"),
        (HEAD + BODY + "# Fields\n- trend:\n", 12, "no description"),
        (HEAD + BODY + "# Fields\n\n", 11, "empty"),
        (HEAD + BODY + "# Fields\ntrend is x\n", 12, "'- field: description'"),
        (HEAD + BODY + f"# Fields\n- trend: x\n  {'y' * 600}\n", 13, "longer than 600"),
        (HEAD + BODY + "# Fields\n- trend: {schema}\n", 12, "nothing is filled in"),
        (PAPER + BODY + "# Fields\n- trend: x\n", 11, "'paper' has not"),
        (PAPER + BODY.replace("Read it.", "{schema}"), 7, "'paper' has not"),
        (HEAD + BODY + "\n".join(["x" * 99] * 700), 610, "longer than 60,000"),
    ],
)
def test_a_fault_is_told_with_file_and_line(text: str, line: int, told: str):
    with pytest.raises(PromptError) as caught:
        parse_prompt(text, "my.md")
    message = str(caught.value)
    assert message.startswith(f"my.md:{line}: ")
    assert told in message
    assert "\n" not in message


def test_the_hash_follows_what_is_sent():
    first = parse_prompt(HEAD + BODY, "f")
    assert len(first.hash) == 16
    for same in (
        HEAD.replace("mine", "other").replace("2", "3") + BODY,
        (HEAD + BODY).replace("\n", "\r\n"),
        HEAD + BODY + "\n\n",
    ):
        assert parse_prompt(same, "g").hash == first.hash
    for other in (
        HEAD + BODY.replace("Read it", "Read all of it"),
        HEAD + BODY.replace("{report}", "Here:\n{report}"),
        HEAD + BODY + "# Fields\n- trend: Change.\n",
        PAPER + BODY,
    ):
        assert parse_prompt(other, "f").hash != first.hash


@given(st.text(max_size=200), st.integers(0, 300), st.booleans())
def test_a_damaged_file_is_a_prompt_or_a_prompt_error(damage: str, at: int, cut: bool):
    whole = HEAD + BODY + "# Fields\n- trend: Change.\n"
    text = whole[:at] + damage + ("" if cut else whole[at:])
    try:
        prompt = parse_prompt(text, "f")
    except PromptError as error:
        message = str(error)
    else:
        message = f"f:1: {prompt.label}"
        assert prompt.system
        assert "{report}" in prompt.user
        assert {name for name, _ in prompt.fields} <= set(FIELDS)
    file, number, _ = message.split(":", 2)
    assert file == "f"
    assert 1 <= int(number) <= text.count("\n") + 1


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b"---\nname: \xff\n---\n", ":2: the prompt is not UTF-8"),
        (b"", ":1: the prompt is empty"),
        (("é" * (4 * MAX_LENGTH)).encode(), ":1: the prompt is longer than"),
    ],
)
def test_a_file_of_bytes_that_are_no_prompt(tmp_path: Path, raw: bytes, told: str):
    path = tmp_path / "my.md"
    path.write_bytes(raw)
    with pytest.raises(PromptError) as caught:
        load_prompt(path)
    assert str(caught.value).startswith(f"{path}{told}")
