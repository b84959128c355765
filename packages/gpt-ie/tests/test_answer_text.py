import json

import pytest
from gpt_ie.answer import Answer, AnswerError, AnswerFormat, answer_model
from gpt_ie.answer_text import parse_answer
from hypothesis import given
from hypothesis import strategies as st
from iki_knowledge import KnowledgeBase

GOOD = {"findings": [{"category": "nodule", "presence": "absent", "evidence": "No nodule"}]}
Row = tuple[str, str | None, str | None, str]


def rows(answer: Answer) -> list[Row]:
    return [(one.presence, one.severity, one.location, one.category) for one in answer.findings]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(GOOD),
        f"```json\n{json.dumps(GOOD, indent=1)}\n```",
        f"\n```\n{json.dumps(GOOD)}```  ",
    ],
)
def test_json_bare_or_fenced(text: str):
    assert parse_answer(text, "json") == Answer.model_validate(GOOD)


@pytest.mark.parametrize(
    "text",
    ["", " \n", '{"findings": [{"category": "nod', "Here you are: {}", "[]", "null", "[" * 100_000],
)
def test_what_is_no_json_answer_is_told_so(text: str):
    with pytest.raises(AnswerError) as caught:
        parse_answer(text, "json")
    assert caught.value.feedback


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "{Yes}{mild}{left-sided}{effusion}\n{No}{NA}{NA}{pneumothorax}",
            [("present", "mild", "left-sided", "effusion"), ("absent", None, None, "pneumothorax")],
        ),
        # Three parts: present.
        ("{small}{NA}{nodule}", [("present", "small", None, "nodule")]),
        ("{NA}{NA}{NA}{nodule}", [("present", None, None, "nodule")]),
        ("{Possible}{N/A}{}{ pneumonia }", [("uncertain", None, None, "pneumonia")]),
        # Numbers, bullets, words around, several on a line.
        (
            "Findings:\n1. {no}{NA}{NA}{mass}; {yes}{NA}{NA}{cyst}\n- {NA}{left}{hernia}",
            [
                ("absent", None, None, "mass"),
                ("present", None, None, "cyst"),
                ("present", None, "left", "hernia"),
            ],
        ),
        # No category, no finding: as in the paper.
        ("{Yes}{mild}{left}{NA}\n{NA}{NA}{NA}{NA}", []),
        ("None", []),
        ("{NA}", []),
        ("N/A.", []),
    ],
)
def test_the_papers_lines(text: str, expected: list[Row]):
    answer = parse_answer(text, "paper")
    assert rows(answer) == expected
    # The format has no quotation: the category's words stand for it.
    assert [one.evidence for one in answer.findings] == [row[3] for row in expected]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The lungs are clear.",
        "{Yes}{mild}{left}{effusion}\n{No}{NA}{NA}{pneumo",  # cut off
        "{Yes}{mild}{left}{effusion}{No}{NA}{NA}{mass}",  # two in one
        "{Perhaps so}{NA}{NA}{mass}",
        "{No}{mass}",
        "{Yes}{NA}{NA}{" + "x" * 81 + "}",
        "{NA}{NA}{mass}\n" * 61,
    ],
)
def test_what_is_not_in_the_papers_format_is_told_so(text: str):
    with pytest.raises(AnswerError) as caught:
        parse_answer(text, "paper")
    assert caught.value.feedback
    assert "mild" not in str(caught.value)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("paper", "{Yes}{NA}{NA}{effusoin}"),
        ("json", json.dumps(GOOD).replace("nodule", "effusoin")),
    ],
)
def test_categories_are_checked_where_the_schema_checks_them(
    kb: KnowledgeBase, form: AnswerFormat, text: str
):
    with pytest.raises(AnswerError, match=r"findings\.0\.category") as caught:
        parse_answer(text, form, answer_model(kb))
    assert "pleural effusion" in caught.value.feedback


@given(st.text(alphabet="{}NAYesno \n;,", max_size=60) | st.text(max_size=60))
def test_any_text_is_an_answer_or_an_answer_error(text: str):
    for form in ("json", "paper"):
        try:
            answer = parse_answer(text, form)
        except AnswerError:
            continue
        assert all(one.category for one in answer.findings)


words = st.from_regex(r"[bcx]{1,8}( [bcx]{1,8})?", fullmatch=True)
slot = st.none() | words


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["present", "absent", "uncertain"]),
            slot,
            slot,
            words,
        ),
        max_size=8,
    )
)
def test_lines_written_are_lines_read(findings: list[tuple[str, str | None, str | None, str]]):
    named = {"present": "Yes", "absent": "No", "uncertain": "Possible"}
    text = "\n".join(
        f"{{{named[presence]}}}{{{severity or 'NA'}}}{{{location or 'NA'}}}{{{category}}}"
        for presence, severity, location, category in findings
    )
    assert rows(parse_answer(text or "None", "paper")) == findings
