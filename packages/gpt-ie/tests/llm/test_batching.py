import pytest
from gpt_ie.llm.batching import BatchForm
from gpt_ie.schema import EngineError, Report, Usage


def test_the_form_reads_what_it_asks_for(report: Report, good: str):
    form = BatchForm("openai/x")
    assert form.messages(report)[0]["role"] == "system"
    assert form.body()["max_tokens"] == 4096
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
