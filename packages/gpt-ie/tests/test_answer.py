from typing import Any

import pytest
from gpt_ie.answer import (
    FIELDS,
    Answer,
    AnswerError,
    AnswerFinding,
    answer_error,
    answer_model,
    category_fault,
    json_schema,
    normalise_answer,
)
from hypothesis import given
from hypothesis import strategies as st
from iki_knowledge import Finding, KnowledgeBase
from pydantic import ValidationError


@pytest.fixture(scope="module")
def model(kb: KnowledgeBase) -> type[Answer]:
    return answer_model(kb)


def item(**changed: object) -> dict[str, Any]:
    return {"category": "pneumonia", "presence": "present", "evidence": "pneumonia", **changed}


def one(model: type[Answer], kb: KnowledgeBase, **changed: object) -> Finding:
    (draft,) = normalise_answer(model.model_validate({"findings": [item(**changed)]}), kb).drafts
    return draft.finding


@pytest.mark.parametrize(
    ("field", "longest"),
    [("category", 80), ("severity", 40), ("location", 80), ("trend", 20), ("evidence", 300)],
)
def test_every_string_is_bounded(field: str, longest: int):
    AnswerFinding.model_validate(item(**{field: "x" * longest}))
    with pytest.raises(ValidationError):
        AnswerFinding.model_validate(item(**{field: "x" * (longest + 1)}))


def test_the_list_is_bounded():
    Answer.model_validate({"findings": [item()] * 60})
    with pytest.raises(ValidationError):
        Answer.model_validate({"findings": [item()] * 61})


@pytest.mark.parametrize(
    "changed",
    [
        {"category": "  "},
        {"presence": "maybe so"},
        {"note": "more"},
        {"category": 7},
        {"evidence": None},
        {"category": "\ud800"},
    ],
)
def test_what_is_outside_the_schema_is_refused(changed: dict[str, object]):
    with pytest.raises(ValidationError):
        Answer.model_validate({"findings": [item(**changed)]})


def test_the_schema_bounds_everything_and_asks_for_every_field(model: type[Answer]):
    schema = json_schema(model)
    properties = schema["$defs"]["AnswerFinding"]["properties"]
    assert schema["$defs"]["AnswerFinding"]["required"] == list(FIELDS) == list(properties)
    assert schema["properties"]["findings"]["maxItems"] == 60
    for field, part in properties.items():
        kinds = part.get("anyOf", [part])
        assert all(
            "maxLength" in kind or "enum" in kind or kind == {"type": "null"} for kind in kinds
        )
        assert part["description"] == FIELDS[field]
        assert "title" not in part
        assert "default" not in part


def test_fields_are_described_anew_and_keep_their_bounds_and_checks(kb: KnowledgeBase):
    described = answer_model(kb, {name: f"about {name}" for name in FIELDS})
    assert json_schema(described) == {
        **json_schema(answer_model(kb)),
        "$defs": json_schema(described)["$defs"],
    }
    properties = json_schema(described)["$defs"]["AnswerFinding"]["properties"]
    plain = json_schema(answer_model(kb))["$defs"]["AnswerFinding"]["properties"]
    for name, part in properties.items():
        assert part == {**plain[name], "description": f"about {name}"}
    for wrong in ({"category": "nothing known"}, {"evidence": "x" * 301}, {"presence": "so so"}):
        with pytest.raises(ValidationError):
            described.model_validate({"findings": [item(**wrong)]})
    described.model_validate({"findings": [item(presence=" Present")]})


def test_a_description_of_an_unknown_field_is_refused(kb: KnowledgeBase):
    with pytest.raises(KeyError):
        answer_model(kb, {"colour": "blue"})


@pytest.mark.parametrize(
    ("words", "category"),
    [
        ("Pleural effusions", "pleural_effusion"),
        ("pleural_effusion", "pleural_effusion"),
        ("oedema of the lung", "pulmonary_edema"),
        ("small left effusion", "pleural_effusion"),
    ],
)
def test_the_dictionary_reads_the_category(
    model: type[Answer], kb: KnowledgeBase, words: str, category: str
):
    assert one(model, kb, category=words).category == category


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("effusoin", "pleural effusion"),
        ("pneumothorix", "pneumothorax"),
        ("no pneumothorax", "presence 'absent'"),
        ("quite normal study", "leave out"),
        ("mass effect", "unknown category 'mass effect'"),
        ("***", "unknown category"),
    ],
)
def test_an_unknown_category_is_a_fault_that_names_near_ones(
    model: type[Answer], kb: KnowledgeBase, words: str, told: str
):
    assert told in (category_fault(words, kb) or "")
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"findings": [item(), item(category=words)]})
    error = answer_error(caught.value)
    assert told in error.feedback
    assert "findings.1.category" in error.feedback
    # The message goes to logs and files: it must not hold the model's words.
    assert words not in str(error)


def test_the_message_of_an_answer_error_quotes_nothing(model: type[Answer]):
    secret = "Jane Roe of Elm Street"
    wrong = {
        "findings": [item(**{secret: secret}), item(category=secret), item(presence=secret)],
        secret: 1,
    }
    with pytest.raises(ValidationError) as caught:
        model.model_validate(wrong)
    error = answer_error(caught.value)
    assert isinstance(error, AnswerError)
    assert "Jane" not in str(error)
    assert "4 fault(s)" in str(error)


def test_unknown_categories_are_kept_apart_and_never_invented(kb: KnowledgeBase):
    # The plain schema lets them pass: so the rest of a last answer is not lost.
    answer = Answer.model_validate(
        {"findings": [item(category="wobbly lung"), item(), item(category="no effusion")]}
    )
    normalised = normalise_answer(answer, kb)
    assert [draft.finding.category for draft in normalised.drafts] == ["pneumonia"]
    assert normalised.unknown == ("wobbly lung", "no effusion")


@pytest.mark.parametrize(
    ("words", "categories"),
    [
        ("scarring and atelectasis", ["scarring", "atelectasis"]),
        ("edema, pneumonia or effusion", ["pulmonary_edema", "pneumonia", "pleural_effusion"]),
        ("scarring/atelectasis", ["scarring", "atelectasis"]),
        # One category, however joined.
        ("hilar and mediastinal lymphadenopathy", ["lymphadenopathy"]),
        ("effusion and pleural fluid", ["pleural_effusion"]),
    ],
)
def test_categories_in_one_entry_are_taken_apart(
    model: type[Answer], kb: KnowledgeBase, words: str, categories: list[str]
):
    answer = model.model_validate({"findings": [item(category=words, location="left")]})
    drafts = normalise_answer(answer, kb).drafts
    assert [draft.finding.category for draft in drafts] == categories
    assert {draft.finding.side for draft in drafts} == {"left"}


def test_vague_categories_are_passed_over(model: type[Answer], kb: KnowledgeBase):
    vague = next(entry for entry in kb.entries.values() if entry.vague)
    answer = model.model_validate({"findings": [item(category=vague.name)]})
    assert normalise_answer(answer, kb) == normalise_answer(Answer(findings=()), kb)


@pytest.mark.parametrize(
    ("changed", "slots"),
    [
        ({"severity": "tiny", "location": "left base"}, ("trace", "left", "base", "present", None)),
        ({"severity": "none", "location": "N/A"}, (None, None, None, "present", None)),
        ({"location": "bibasilar"}, (None, "bilateral", "base", "present", None)),
        ({"trend": "unchanged"}, (None, None, None, "present", "stable")),
        # What stands in the wrong slot goes to its own.
        ({"severity": "new left-sided"}, (None, "left", None, "present", "new")),
        ({"severity": "possible"}, (None, None, None, "uncertain", None)),
        (
            {"category": "small left effusion", "presence": "absent"},
            ("small", "left", None, "absent", None),
        ),
        ({"category": "worsening effusion"}, (None, None, None, "present", "worsened")),
        # … unless that slot is filled.
        (
            {"category": "small left effusion", "severity": "large", "location": "right"},
            ("large", "right", None, "present", None),
        ),
        (
            {"category": "possible effusion", "presence": "absent"},
            (None, None, None, "absent", None),
        ),
        # There is one heart.
        ({"category": "cardiomegaly", "location": "left"}, (None, None, None, "present", None)),
    ],
)
def test_slots(
    model: type[Answer],
    kb: KnowledgeBase,
    changed: dict[str, object],
    slots: tuple[str | None, ...],
):
    found = one(model, kb, **changed)
    assert (found.severity, found.side, found.region, found.presence, found.trend) == slots


@given(words=st.text(max_size=80), location=st.text(max_size=80), severity=st.text(max_size=40))
def test_any_words_give_the_dictionarys_terms_or_nothing(
    kb: KnowledgeBase, words: str, location: str, severity: str
):
    try:
        answer = Answer.model_validate(
            {"findings": [item(category=words, location=location, severity=severity)]}
        )
    except ValidationError:
        return
    normalised = normalise_answer(answer, kb)
    assert not (normalised.drafts and normalised.unknown)
    for draft in normalised.drafts:
        kb.text(draft.finding)  # raises for a term that does not exist
