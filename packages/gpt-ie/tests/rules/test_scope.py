import pytest
from gpt_ie.rules.engine import RulesEngine


@pytest.mark.parametrize(
    ("text", "decided"),
    [
        ("No effusion or edema.", [("absent", "no"), ("absent", "no")]),
        ("Opacity, possibly pneumonia.", [("present", None), ("uncertain", "possibly")]),
        ("Effusion has resolved.", [("absent", "has resolved")]),
        ("Edema or pneumonia.", [("uncertain", "or"), ("uncertain", "or")]),
        ("Evaluate for pneumonia.", [(None, "evaluate for")]),
        # A request outweighs a denial, a denial a hedge.
        ("No findings suspicious for edema.", [("absent", "no")]),
        ("May be edema without mass.", [("uncertain", "may be"), ("absent", "without")]),
        ("History of no pneumonia.", [(None, "history of")]),
        # What is denied twice is not asserted at all.
        ("The heart size is not normal.", [(None, "not")]),
        # The hedge is of the cause, which the dictionary need not know.
        ("Large effusion, possibly from pleuritis.", [("present", None)]),
        ("Edema is improved but not excluded.", [("uncertain", "not excluded")]),
    ],
)  # fmt: skip
def test_presence_and_the_phrase_that_decided(
    engine: RulesEngine, text: str, decided: list[tuple[str | None, str | None]]
):
    readings = engine.explain(text)
    assert [(one.verdict.presence, one.verdict.trigger) for one in readings] == decided
