"""Names: every family has one, protocols are split off, cut-offs stay."""

from typing import get_args

from medfilip_bench.report.naming import (
    FAMILIES,
    dataset_id,
    dataset_words,
    full_words,
    metric_words,
    share_words,
    split_metric,
)
from medfilip_bench.results import Family


def test_every_family_has_a_name():
    assert set(FAMILIES) == set(get_args(Family))


def test_metrics():
    assert metric_words("f1@paper") == "F1"
    assert metric_words("hit@10") == "hit@10"
    assert metric_words("p@3") == "P@3"
    assert metric_words("hit@0.3") == "IoU ≥ 0.3"
    assert split_metric("recall@3") == ("recall@3", "")
    assert split_metric("acc@held-out") == ("acc", "held-out")
    assert full_words("f1@paper") == "F1, paper threshold"
    assert full_words("auc:severity") == "AUC of severity"


def test_a_data_set_is_known_by_its_task(maker):
    made = maker()
    twin = made.multi("rsna", "RSNA", ("x",))
    own = made.multi("my-own-phantom", "mine", ("x",), phantom=False)
    assert dataset_id(twin) == "rsna"
    assert dataset_id(own) == "my-own-phantom"
    assert dataset_words("rsna") == "RSNA-Pneumonia"
    assert dataset_words("my_own") == "my_own"


def test_shares():
    assert [share_words(share) for share in (0.01, 0.1, 1.0)] == ["1 %", "10 %", "100 %"]
