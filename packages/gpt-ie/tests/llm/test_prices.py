"""Prices from the table, given, free and unknown."""

import pytest
from gpt_ie.llm.models import parse_model
from gpt_ie.llm.prices import PriceError, parse_price, price_of


def test_a_snapshot_has_the_price_of_its_model():
    mini = price_of(parse_model("openai/gpt-4.1-mini"))
    assert mini is not None
    assert price_of(parse_model("openai/gpt-4.1-mini-2025-04-14")) == mini
    assert mini.prompt < price_of(parse_model("openai/gpt-4.1")).prompt
    assert price_of(parse_model("anthropic/claude-sonnet-4-5-20250929")) is not None
    assert mini.source.startswith("table of 20")


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("openai/gpt-4.1-maxi", None), ("openai/gpt-4", None), ("openai/gpt-4o-audio", None),
        ("gpt-4o", "http://h/v1"),
    ],
)  # fmt: skip
def test_unknown_is_unknown(model, url):
    assert price_of(parse_model(model, url)) is None


def test_what_runs_here_is_free():
    assert price_of(parse_model("gguf:x.gguf")).cost(10**9, 10**9) == 0
    assert price_of(parse_model("ollama/x")).cost(1, 1) == 0


def test_a_given_price():
    assert parse_price("0.5, 2").cost(1_000_000, 500_000) == pytest.approx(1.5)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "a,b", "-1,2", "1,inf", "nan,1"])
def test_what_is_no_price(text):
    with pytest.raises(PriceError, match="no price"):
        parse_price(text)
