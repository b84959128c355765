"""What was spent and what may still be."""

import pytest
from gpt_ie.llm.engine import LLMEngine
from gpt_ie.llm.prices import Price
from gpt_ie.llm.retries import Allowance
from gpt_ie.llm.spending import Spending
from gpt_ie.schema import EngineUnavailableError

PRICE = Price(1000.0, 2000.0)  # a tenth of a cent for a token sent, a fifth for one received


def test_max_cost_stops_before_it_is_passed(serve, engine_at, loopback, report, good):
    server = serve([loopback.Act(text=good, usage=(1000, 100))])
    engine = engine_at(server, price=Price(1000.0, 0.0), max_cost=3.5)
    for _ in range(3):
        engine.extract(report)
    with pytest.raises(
        EngineUnavailableError, match=r"cost limit of \$3.5 is reached: \$3.0000 spent"
    ):
        engine.extract(report)
    assert engine.usage.cost == pytest.approx(3.0)
    assert len(server.requests) == 3


def test_max_cost_without_a_price_is_refused(kb):
    with pytest.raises(EngineUnavailableError, match="--price"):
        LLMEngine("m", kb=kb, base_url="http://127.0.0.1:9/v1", max_cost=1.0)


def test_what_is_expected_follows_the_answers_so_far():
    spending = Spending(PRICE, None, "m")
    assert spending.expected(350) == (100, 400)
    spending.answered(1000, 0, 0)
    assert spending.expected(350) == (100, 400), "a server that counts no tokens teaches nothing"
    spending.answered(1000, 500, 90)
    spending.answered(2000, 500, 30)
    assert spending.expected(400) == (100, 40)


def test_what_is_set_aside_counts_until_the_call_ends():
    spending = Spending(PRICE, 1.0, "m")
    spending.answered(100, 100, 0)
    spent = spending.usage.cost
    assert spent == pytest.approx(0.1)
    first = spending.begin(500)
    assert first == pytest.approx(0.5)
    second = spending.begin(400)
    with pytest.raises(EngineUnavailableError, match=r"\$1 is reached: \$0.1000 spent in 0 calls"):
        spending.begin(1)
    spending.end(second)
    assert spending.begin(400) == pytest.approx(0.4)
    assert spending.usage.calls == 1


def test_a_limit_that_is_just_met_is_not_passed():
    spending = Spending(Price(1_000_000.0, 0.0), 100.0, "m")
    assert spending.begin(350) == 100.0


def test_a_report_s_share_is_priced_too():
    spending = Spending(PRICE, None, "m")
    allowance = Allowance(3, 1000, calls=2)
    allowance.spend(100, 10)
    share = spending.of(allowance)
    assert (share.calls, share.prompt_tokens, share.completion_tokens) == (2, 100, 10)
    assert share.cost == pytest.approx(0.12)
    free = Spending(None, None, "m")
    assert (free.begin(10), free.of(allowance).cost, free.usage.cost) == (0.0, None, None)
