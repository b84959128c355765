"""What a batch asks, and how its answers are read: the two ends of one form."""

from pathlib import Path

import pytest
from gpt_ie.llm.batching import BatchForm
from gpt_ie.schema import EngineError, Report, Usage
from iki_knowledge import load_knowledge

OVERLAY = """
group: lungs
entries:
  zebra_lung:
    name: zebra lung
    aliases: [zebra stripes]
    parent: lung_opacity
    explanation: Stripes, for this test alone.
    attributes: [density:hazy]
"""


def test_the_form_reads_what_it_asks_for(report: Report, good: str):
    form = BatchForm("openai/x")
    assert form.messages(report)[0]["role"] == "system"
    body = form.body()
    assert (body["max_tokens"], body["temperature"]) == (4096, 0)
    assert body["response_format"]["json_schema"]["strict"] is True
    usage = Usage(calls=1, prompt_tokens=2, completion_tokens=3)
    result = form.parse(report, good, usage)
    assert (result.engine, result.usage) == (form.name, usage)
    assert [f.category for f in result.findings][:1] == ["pleural_effusion"]


def test_words_that_are_no_answer_fail_without_being_quoted(report: Report):
    with pytest.raises(EngineError) as error:
        BatchForm("openai/x").parse(report, "secret words", None)
    assert "secret" not in str(error.value)


def test_the_key_changes_with_everything_that_decides_an_answer():
    forms = [
        BatchForm("openai/x"), BatchForm("openai/y"), BatchForm("openai/x", "paper"),
        BatchForm("openai/x", max_tokens=7),
    ]  # fmt: skip
    assert len({form.key for form in forms}) == len(forms)
    assert BatchForm("openai/x").key == forms[0].key


def test_a_model_that_reasons_takes_another_limit_and_no_temperature():
    body = BatchForm("openai/gpt-5-mini").body()
    assert "max_completion_tokens" in body
    assert "temperature" not in body


def test_the_paper_s_format_is_plain_text(report: Report):
    form = BatchForm("openai/x", "paper")
    assert form.body() == {"max_tokens": 4096, "temperature": 0}
    result = form.parse(report, "{Yes}{small}{left}{pleural effusion}", None)
    assert [found.category for found in result.findings] == ["pleural_effusion"]


@pytest.mark.parametrize(("unsupported", "left"), [("flag", 2), ("drop", 1)])
def test_what_is_not_grounded_is_flagged_or_dropped(good: str, unsupported, left: int):
    denied = Report("r", {"text": "No small left pleural effusion. No pneumothorax."})
    form = BatchForm("openai/x", unsupported=unsupported)
    findings = form.parse(denied, good, None).findings
    assert len(findings) == left
    assert ("negated" in [found.unsupported for found in findings]) == (left == 2)
    with pytest.raises(EngineError, match="1 of 2 findings are unsupported"):
        BatchForm("openai/x", unsupported="fail").parse(denied, good, None)


def test_another_server_is_another_endpoint():
    form = BatchForm("x", base_url="http://127.0.0.1:9/v1")
    assert (form.model.url, form.model.name) == ("http://127.0.0.1:9/v1", "x")


def test_a_prompt_with_other_words_is_another_form(tmp_path: Path):
    mine = tmp_path / "mine.md"
    keys: set[str] = set()
    for words in ("List.", "List all."):
        mine.write_text(
            f"---\nname: m\nversion: 1.0.0\nformat: json\n---\n# System\n{words}\n"
            "# User\n{report}\n"
        )
        keys.add(BatchForm("openai/x", mine).key)
    assert len(keys) == 2


def test_a_dictionary_of_one_s_own_is_asked_for_and_read(tmp_path: Path):
    overlay = tmp_path / "zebra.yaml"
    overlay.write_text(OVERLAY, "utf-8")
    form = BatchForm("openai/x", kb=load_knowledge(overlay))
    answer = (
        '{"findings": [{"category": "zebra stripes", "severity": null, "location": null, '
        '"presence": "present", "trend": null, "evidence": "Zebra stripes"}]}'
    )
    result = form.parse(Report("r", {"text": "Zebra stripes."}), answer, None)
    assert [found.category for found in result.findings] == ["zebra_lung"]
    assert form.key != BatchForm("openai/x").key
